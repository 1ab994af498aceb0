import { randomUUID } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import type { ClientCertificate } from "../auth/authenticator.ts";
import { Fault } from "../domain/fault.ts";
import type { LeftBehind } from "../operations/access.ts";
import type { Curfew, Curfewed, Hour } from "../operations/curfew.ts";
import type { CallContext, Endpoint } from "./endpoint.ts";
import type { RpcError } from "./error.ts";
import type { LineContext, Outgoing } from "./session-line.ts";
import { encode } from "./wire/encode.ts";
import { type AnswerField, encodeAnswer } from "./wire/session.ts";

export type UnaryEndpoint = Extract<Endpoint, { readonly kind: "unary" }>;

/** A method that sessions carry. */
export interface Carried {
  readonly endpoint: UnaryEndpoint;
  readonly field: Exclude<AnswerField, "error">;
}

/** What all calls of a stream share. */
export interface CallHome {
  readonly context: LineContext;
  readonly curfew: Curfew;
  /** The answer to this call has been taken. */
  taken(call: SessionCall): void;
}

export interface SessionCallInit {
  readonly id: bigint;
  /** Instant of `Clock.monotonicMs()`; Infinity without one. */
  readonly deadline: number;
  /** The call's own, as it was sent; empty: the stream's. */
  readonly traceparent: string;
  readonly isWait: boolean;
  /** It came after Goodbye. */
  readonly isLate: boolean;
  readonly bytes: number;
}

/** Of version 00 it has 55; what is longer than any that may come is not kept while the call is open. */
const TRACEPARENT_LENGTH_MAX = 256;

/** Stands in for one that is none: the call belongs to no trace, and not to the stream's. */
const NO_TRACEPARENT = "-";

/**
 * One call of a stream: to its handler a call like any other, to the line the answer to it.
 *
 * A class, for there are thousands a second. Id, signal and all that hangs on them are made when first asked for: most
 * calls never do.
 */
export class SessionCall implements CallContext, Outgoing, Curfewed {
  readonly transport = "grpc";
  readonly id: bigint;
  readonly deadline: number;
  readonly isWait: boolean;
  readonly isLate: boolean;
  readonly bytes: number;
  /** What the calls of a stream have in common, see `Credentials.stream`. */
  readonly stream: object;
  readonly #home: CallHome;
  readonly #method: Carried | null;
  readonly #traceparent: string;
  #requestId: string | undefined;
  #signal: AbortController | undefined;
  #left: LeftBehind | undefined;
  /** Of its deadline, from when somebody wants to know of that. */
  #hour: Hour | undefined;
  #reached: PromiseWithResolvers<boolean> | undefined;
  /** Why it is of no use any more. */
  #over: Fault | null = null;
  /** From when it is answered until it is encoded. */
  #answer: Message | RpcError | null = null;
  #isSettled = false;
  #hasFailed = false;

  /** @param method null: none is called, which is what is wrong with it */
  constructor(home: CallHome, method: Carried | null, init: SessionCallInit) {
    const { id, deadline, traceparent, isWait, isLate, bytes } = init;
    this.id = id;
    this.deadline = deadline;
    this.isWait = isWait;
    this.isLate = isLate;
    this.bytes = bytes;
    this.stream = home;
    this.#home = home;
    this.#method = method;
    this.#traceparent = traceparent.length > TRACEPARENT_LENGTH_MAX ? NO_TRACEPARENT : traceparent;
  }

  get requestId(): string {
    this.#requestId ??= randomUUID();
    return this.#requestId;
  }

  get retiring(): AbortSignal {
    return this.#home.context.retiring;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#signal = new AbortController();
      if (this.#over !== null) this.#signal.abort(this.#over);
      else this.#watchDeadline();
    }
    return this.#signal.signal;
  }

  whenGone(who: LeftBehind): void {
    this.#left = who;
    if (this.#over !== null) who.callerGone(this.#over);
    else this.#watchDeadline();
  }

  /** The trace state belongs to the stream's traceparent, and not to another. */
  metadata(name: string): string | undefined {
    if (this.#traceparent !== "") {
      if (name === "traceparent") return this.#traceparent;
      if (name === "tracestate") return undefined;
    }
    return this.#home.context.metadata(name);
  }

  certificate(): ClientCertificate | null {
    return this.#home.context.certificate();
  }

  answered(): Promise<boolean> {
    this.#reached ??= Promise.withResolvers();
    if (this.#over !== null) this.#reached.resolve(false);
    return this.#reached.promise;
  }

  get isAskedAfter(): boolean {
    return this.#reached !== undefined;
  }

  /** The caller has no use for it any more. It is answered all the same. */
  abort(why: Fault): void {
    if (this.#over !== null) return;
    this.#over = why;
    this.#signal?.abort(why);
    this.#left?.callerGone(why);
    this.#left = undefined;
  }

  /** The deadline has passed. */
  runOut(): void {
    this.abort(new Fault("DEADLINE_EXCEEDED", "the deadline has passed"));
  }

  /** Nothing can be answered any more. */
  lose(why: Fault): void {
    this.#hour?.forget(this);
    this.abort(why);
    this.#reached?.resolve(false);
  }

  /** This is what it is to be answered. */
  settle(answer: Message | RpcError): void {
    this.#hour?.forget(this);
    // Until a slow reader takes the answer, nothing else is kept.
    this.#left = undefined;
    this.#answer = answer;
    this.#isSettled = true;
    this.#hasFailed = answer instanceof Error;
  }

  get bodyBytes(): number {
    const answer = this.#settled();
    return answer instanceof Error ? 0 : (this.#method?.endpoint.bytesOf?.(answer) ?? 0);
  }

  encode(): readonly Uint8Array[] {
    const answer = this.#settled();
    this.#answer = null;
    if (answer instanceof Error) return encodeAnswer(this.id, "error", answer.status);
    if (this.#method === null) throw new Error("bug: what is not a call was answered");
    const { endpoint, field } = this.#method;
    return encodeAnswer(this.id, field, encode(endpoint.method.output, answer));
  }

  taken(): void {
    this.#home.taken(this);
    if (this.#reached === undefined) return;
    // As of a unary call: who is told of an error, or has no use for the answer any more, keeps no lease by it.
    if (this.#hasFailed || this.#over !== null) this.#reached.resolve(false);
    else this.#reached.resolve(this.#home.context.confirm());
  }

  #settled(): Message | RpcError {
    if (this.#answer === null) throw new Error("bug: a call is sent before it is answered");
    return this.#answer;
  }

  #watchDeadline(): void {
    if (this.deadline === Number.POSITIVE_INFINITY || this.#isSettled) return;
    this.#hour ??= this.#home.curfew.at(this.deadline, this);
  }
}
