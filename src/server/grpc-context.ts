import { randomUUID } from "node:crypto";
import type { Metadata } from "@grpc/grpc-js";
import type { ClientCertificate } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { LeftBehind } from "../operations/access.ts";
import type { CallContext } from "../rpc/endpoint.ts";
import { hasAnswered, streamOf } from "./grpc-answered.ts";
import type { Connections } from "./grpc-connections.ts";
import { DEADLINE_HEADER } from "./grpc-door.ts";
import { certificateOfSession } from "./tls/client-certificate.ts";

/** What is used of a call of grpc-js, unary or streaming. */
export interface GrpcCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  on(event: "cancelled", listener: () => void): unknown;
}

export interface GrpcContextDeps {
  readonly clock: Clock;
  readonly connections: Connections;
}

/** Id and signals are made when first asked for: most calls never do, and they would cost more than the rest. */
export class GrpcContext implements CallContext {
  readonly transport = "grpc";
  readonly deadline: number;
  readonly #call: GrpcCall;
  readonly #deps: GrpcContextDeps;
  #requestId: string | undefined;
  #signal: AbortSignal | undefined;
  #left: LeftBehind | undefined;
  #isOver = false;

  constructor(call: GrpcCall, deps: GrpcContextDeps) {
    const [deadline] = call.metadata.get(DEADLINE_HEADER);
    this.deadline = deadline === undefined ? Number.POSITIVE_INFINITY : Number(deadline);
    this.#call = call;
    this.#deps = deps;
  }

  get requestId(): string {
    this.#requestId ??= randomUUID();
    return this.#requestId;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#watch();
    return this.#signal;
  }

  whenGone(who: LeftBehind): void {
    this.#left = who;
    this.#onGone(() => this.#left?.callerGone(this.#whyOver()));
  }

  get retiring(): AbortSignal {
    const { session } = streamOf(this.#call);
    // Without a connection the call is cancelled, and that says more.
    return (session && this.#deps.connections.of(session)?.retiring) ?? this.signal;
  }

  answered(): Promise<boolean> {
    return hasAnswered(streamOf(this.#call), this.#deps.connections);
  }

  /** To be called when the call is answered: grpc-js says "cancelled" after a normal end too. */
  end(): void {
    this.#isOver = true;
    this.#left = undefined;
  }

  certificate(): ClientCertificate | null {
    return certificateOfSession(streamOf(this.#call).session);
  }

  metadata(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name);
    return typeof value === "string" ? value : undefined;
  }

  #watch(): AbortSignal {
    const controller = new AbortController();
    this.#onGone(() => controller.abort(this.#whyOver()));
    return controller.signal;
  }

  #onGone(tell: () => void): void {
    if (this.#call.cancelled) tell();
    else this.#call.on("cancelled", () => void (this.#isOver || tell()));
  }

  #whyOver(): Fault {
    return this.#deps.clock.monotonicMs() >= this.deadline
      ? new Fault("DEADLINE_EXCEEDED", "the deadline has passed")
      : new Fault("CANCELLED", "the caller has gone");
  }
}
