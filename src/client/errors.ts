import { Code } from "@connectrpc/connect";
import { remedyOf } from "./remedies.ts";

/** A field that was refused, and what is allowed in it. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

export interface HoldfastErrorInit {
  readonly reason: string;
  readonly code?: Code | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly violations?: readonly Violation[] | undefined;
  readonly cause?: unknown;
}

/** How the classes are made that stand for a reason alone. */
export type ErrorClass = new (message: string, init: HoldfastErrorInit) => HoldfastError;

/**
 * Whatever goes wrong between the caller and the record: there is a class for each reason, and this one for those that
 * are newer than the client. What the caller's own work throws is never wrapped.
 */
export class HoldfastError extends Error {
  override readonly name: string = "HoldfastError";
  /** A name of holdfast.v1.ErrorReason, or one of the client's own; the empty string when a proxy answered. */
  readonly reason: string;
  /** The gRPC code; undefined when no call failed. */
  readonly code: Code | undefined;
  /** Set if and only if the same call can help later. */
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly Violation[];
  /** What to do, for people. The empty string for a reason that this client does not know. */
  readonly remedy: string;

  constructor(message: string, init: HoldfastErrorInit) {
    super(message, { cause: init.cause });
    this.reason = init.reason;
    this.code = init.code;
    this.retryAfterMs = init.retryAfterMs;
    this.violations = init.violations ?? [];
    this.remedy = remedyOf(init.reason, init.code);
  }
}

/** No server of Holdfast has answered: none could be reached, or something between has answered in its place. */
export class TransportError extends HoldfastError {
  override readonly name = "TransportError";
}

/** The server answered what this client cannot tell from anything: one of the two is much older than the other. */
export class AnswerIncompleteError extends HoldfastError {
  override readonly name = "AnswerIncompleteError";

  constructor(what: string) {
    super(`the server answered ${what}`, { reason: "ANSWER_INCOMPLETE" });
  }
}

/** The client was closed before the call was over. */
export class ClosedError extends HoldfastError {
  override readonly name = "ClosedError";

  constructor() {
    super("the client is closed", { reason: "CLOSED" });
  }
}

/** The attempt is over: its work has returned or thrown. */
export class AttemptEndedError extends HoldfastError {
  override readonly name = "AttemptEndedError";

  constructor() {
    super("the attempt has ended", { reason: "ATTEMPT_ENDED" });
  }
}

/** There was no token to send: what the client was given to fetch it has thrown, or what it returned is no token. */
export class TokenUnavailableError extends HoldfastError {
  override readonly name = "TokenUnavailableError";
}

/** What the warning "hook-failed" carries: the hook's own error is not quoted, for nobody knows what is in it. */
export class HookFailedError extends HoldfastError {
  override readonly name = "HookFailedError";

  constructor(hook: string) {
    super(`the hook ${hook} has thrown`, { reason: "HOOK_FAILED" });
  }
}

/** Asked of an attempt that has no record: see `whenUnavailable`. */
export class UnprotectedError extends HoldfastError {
  override readonly name = "UnprotectedError";

  constructor(what: string) {
    super(`the work runs without protection: ${what}`, { reason: "UNPROTECTED" });
  }
}

/** Not sent: the servers were not reached lately, and the client was told not to wait for them. */
export class CircuitOpenError extends HoldfastError {
  override readonly name = "CircuitOpenError";

  constructor(retryAfterMs: number) {
    const message = "the servers could not be reached lately, and are not asked again yet";
    super(message, { reason: "CIRCUIT_OPEN", code: Code.Unavailable, retryAfterMs });
  }
}

/** The key was used before, for other work. A bug of the caller: never retry. */
export class FingerprintMismatchError extends HoldfastError {
  override readonly name = "FingerprintMismatchError";
}

/** Why a lease is lost; all but "expired" are the server's word. */
export type LeaseLostWhy = "expired" | "superseded" | "invalid-state" | "record-not-found" | "token-invalid";

/**
 * The lease is over or taken. As the reason of `attempt.signal`: stop, somebody else may be working. Thrown by `once`:
 * the work ran, and its result was not stored, because a newer attempt or a verdict had come first.
 */
export class LeaseLostError extends HoldfastError {
  override readonly name = "LeaseLostError";
  readonly why: LeaseLostWhy;

  constructor(why: LeaseLostWhy, message: string, init: HoldfastErrorInit) {
    super(message, init);
    this.why = why;
  }
}

/** This attempt has been ended with another result before. */
export class ResultConflictError extends HoldfastError {
  override readonly name = "ResultConflictError";
}

/**
 * The work is done, and whether its result is stored is not known: the server could not be reached, or refused for a
 * reason of its own. The record stays in progress until the lease is over, or is completed already.
 */
export class CompleteFailedError extends HoldfastError {
  override readonly name = "CompleteFailedError";
  /** What the work returned. */
  readonly value: unknown;

  constructor(value: unknown, message: string, init: HoldfastErrorInit) {
    super(message, init);
    this.value = value;
  }
}

/** The caller's `timeoutMs` is over before the claim was acquired or answered, or before what was waited for has ended. */
export class TimeoutError extends HoldfastError {
  override readonly name = "TimeoutError";
  /** What the newest answer to a claim said; undefined when the server never answered, and of `waitFor`. */
  readonly lastOutcome: "in-progress" | "retry-scheduled" | undefined;

  constructor(
    timeoutMs: number,
    lastOutcome: "in-progress" | "retry-scheduled" | undefined,
    init: Pick<HoldfastErrorInit, "cause" | "retryAfterMs"> = {},
    last = lastOutcome === undefined ? "no answer yet" : `last told ${lastOutcome}`,
  ) {
    super(`not settled within ${timeoutMs} ms: ${last}`, { reason: "TIMEOUT", code: Code.DeadlineExceeded, ...init });
    this.lastOutcome = lastOutcome;
  }
}
