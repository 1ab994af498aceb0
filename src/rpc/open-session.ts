import { fromBinary, type Message } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { Code } from "../../gen/google/rpc/code_pb.ts";
import { IdempotencyService, type SessionRequest, SessionRequestSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { Malformed } from "./endpoint.ts";
import type { RpcError } from "./error.ts";
import type { RpcObserver } from "./observer.ts";
import { type CallHome, type Carried, SessionCall } from "./session-call.ts";
import {
  BAD_TIMEOUT,
  CANCELLED,
  GONE,
  ID_OPEN,
  ID_ZERO,
  LATE,
  NO_CALL,
  noRoomToWait,
  UNDECODABLE,
} from "./session-faults.ts";
import type { GoodbyeReason, Line, LineContext, Outgoing, Session } from "./session-line.ts";
import { type SessionLimits, SessionTally } from "./session-tally.ts";
import { toRpcError } from "./status.ts";
import { encodeGoodbye, encodeHello, isPositive, isTimeout, letGoOfFrame } from "./wire/session.ts";
import { durationMs } from "./wire/time.ts";

/** What the streams tell the metrics. Must not throw. */
export interface SessionObserver {
  opened(): void;
  closed(): void;
  /** A stream is read no more until answers have been taken. */
  paused(): void;
}

export interface SessionDeps {
  readonly observer: RpcObserver;
  readonly sessions: SessionObserver;
  readonly clock: Clock;
  /** 0 up to but not including 1. */
  readonly random: () => number;
  readonly limits: SessionLimits;
}

export interface OpenSessionDeps extends SessionDeps {
  readonly methods: Readonly<Record<Carried["field"], Carried>>;
  readonly curfew: CallHome["curfew"];
}

const SESSION = IdempotencyService.method.session;

/** Nothing that we do not know is kept: a claim may wait for a minute, and must be no larger than what it says. */
const READ_OPTIONS = { readUnknownFields: false };

/**
 * ```
 *            the client half-closes                  all is answered and taken
 *  serving ──────────────────────────▶ finishing ──────────────────────────────────────────▶ over: OK
 *     ├───────── goodbye ────────────▶ leaving ─────what came before is answered and taken──▶ over: OK
 *     ├───────── refuse ─────────────────────────── all open calls are lost ───────────────▶ over: INVALID_ARGUMENT, RESOURCE_EXHAUSTED
 *     └───────── broken ─────────────────────────── all open calls are lost ───────────────▶ over
 * ```
 * The last two lead from every state but over. A call is *open* from its arrival until its answer is handed to the line:
 * its id may not be used again, it can be cancelled, and it is lost with the stream. It *counts* until that answer is
 * taken, see `SessionTally`: so of a reader who does not read there are no more answers in memory than may count.
 */
export class OpenSession implements Session, CallHome {
  readonly context: LineContext;
  readonly curfew: CallHome["curfew"];
  readonly #deps: OpenSessionDeps;
  readonly #line: Line;
  readonly #startedMs: number;
  readonly #open = new Map<bigint, SessionCall>();
  /** Answered and not taken, and somebody wants to know whether they will be. */
  readonly #askedAfter = new Set<SessionCall>();
  readonly #retire = () => this.goodbye("max-age");
  readonly #tally: SessionTally;
  #isPaused = false;
  #isFinishing = false;
  #isLeaving = false;
  #isOver = false;

  constructor(deps: OpenSessionDeps, line: Line, context: LineContext) {
    this.#deps = deps;
    this.#line = line;
    this.context = context;
    this.curfew = deps.curfew;
    this.#tally = new SessionTally(deps.limits);
    this.#startedMs = deps.clock.monotonicMs();
    deps.observer.started(SESSION, context);
    deps.sessions.opened();
    line.send(notice(encodeHello(deps.limits)));
    context.retiring.addEventListener("abort", this.#retire);
    if (context.retiring.aborted) this.goodbye("max-age");
  }

  receive(bytes: Uint8Array): void {
    if (this.#isOver) return;
    let request: SessionRequest;
    try {
      request = fromBinary(SessionRequestSchema, bytes, READ_OPTIONS);
    } catch {
      // Without the decoder's words, which quote what was sent.
      this.refuse(UNDECODABLE);
      return;
    }
    const { id, call } = request;
    if (id === 0n) this.refuse(ID_ZERO);
    else if (call.case === "cancel") this.#open.get(id)?.abort(CANCELLED);
    else if (this.#open.has(id)) this.refuse(ID_OPEN);
    else this.#start(request, bytes.byteLength);
  }

  finish(): void {
    this.#isFinishing = true;
    this.#endWhenDone();
  }

  goodbye(reason: GoodbyeReason): void {
    if (this.#isOver || this.#isLeaving) return;
    this.#isLeaving = true;
    this.#line.send(notice(encodeGoodbye(reason)));
    this.#endWhenDone();
  }

  refuse(why: Fault | RpcError): void {
    if (this.#isOver) return;
    const error = this.#close(why);
    this.#line.end(error);
  }

  broken(fault: Fault): void {
    if (!this.#isOver) this.#close(fault);
  }

  taken(call: SessionCall): void {
    if (this.#isOver) return;
    this.#askedAfter.delete(call);
    this.#tally.taken(call);
    this.#endWhenDone();
    this.#resumeUnlessFull();
  }

  #start({ id, timeout, traceparent, call }: SessionRequest, bytes: number): void {
    const { methods, random } = this.#deps;
    const isLate = this.#isLeaving;
    const mayWait = call.case === "claim" && isPositive(call.value.wait) && !isLate;
    const whyNoWait = mayWait ? this.#tally.whyNoWait(bytes) : null;
    const isWait = mayWait && whyNoWait === null;
    if (isWait) letGoOfFrame(call.value);
    const carried = call.case === undefined || call.case === "cancel" ? null : methods[call.case];
    const isTimeoutGood = timeout === undefined || isTimeout(timeout);
    const deadline = isTimeoutGood ? this.#deadlineOf(timeout) : this.context.deadline;
    const own = new SessionCall(this, carried, { id, deadline, traceparent, isWait, isLate, bytes });
    this.#open.set(id, own);
    this.#tally.arrived(own);
    if (!this.#isPaused && this.#tally.isFull) this.#pause();

    const fail = (thrown: unknown) => this.#answer(own, toRpcError(thrown, own, random));
    let message: Message | Malformed | undefined = call.value;
    if (!isTimeoutGood) message = BAD_TIMEOUT;
    else if (whyNoWait !== null) message = noRoomToWait(whyNoWait);
    if (carried === null || message === undefined) fail(NO_CALL);
    else if (isLate) fail(LATE);
    else carried.endpoint.call(message, own).then((answer) => this.#answer(own, answer), fail);
  }

  #deadlineOf(timeout: Duration | undefined): number {
    const { deadline } = this.context;
    if (timeout === undefined) return deadline;
    return Math.min(deadline, this.#deps.clock.monotonicMs() + durationMs(timeout));
  }

  #pause(): void {
    this.#isPaused = true;
    this.#deps.sessions.paused();
    this.#line.pause();
  }

  #resumeUnlessFull(): void {
    if (!this.#isPaused || this.#isOver || this.#tally.isFull) return;
    this.#isPaused = false;
    this.#line.resume();
  }

  #answer(call: SessionCall, answer: Message | RpcError): void {
    if (this.#isOver) return;
    this.#open.delete(call.id);
    this.#tally.answered(call);
    call.settle(answer);
    if (call.isAskedAfter) this.#askedAfter.add(call);
    try {
      this.#line.send(call);
    } catch (error) {
      this.refuse(new Fault("INTERNAL", "an answer could not be encoded", { cause: error }));
    }
    this.#resumeUnlessFull();
  }

  #endWhenDone(): void {
    if (this.#isOver || !(this.#isFinishing || this.#isLeaving)) return;
    const { calls, late } = this.#tally;
    if (calls > (this.#isFinishing ? 0 : late)) return;
    this.#close(null);
    this.#line.end(null);
  }

  /** @param why null: all went well */
  #close(why: Fault | RpcError | null): RpcError | null {
    const { observer, sessions, clock, random } = this.#deps;
    this.#isOver = true;
    this.context.retiring.removeEventListener("abort", this.#retire);
    for (const call of this.#open.values()) call.lose(GONE);
    for (const call of this.#askedAfter) call.lose(GONE);
    const seconds = (clock.monotonicMs() - this.#startedMs) / 1000;
    const error = why === null ? null : toRpcError(why, this.context, random);
    sessions.closed();
    if (error === null) observer.handled(SESSION, Code.OK, seconds, this.context);
    else observer.handled(SESSION, error.code, seconds, this.context, error);
    return error;
  }
}

/** A message that answers no call. */
function notice(bytes: Uint8Array): Outgoing {
  return { bodyBytes: 0, encode: () => [bytes], taken() {} };
}
