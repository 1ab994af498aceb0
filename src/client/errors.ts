import { Code } from "@connectrpc/connect";

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

/** Whatever goes wrong between the caller and the record. What the caller's own work throws is never wrapped. */
export class HoldfastError extends Error {
  override readonly name: string = "HoldfastError";
  /** A name of holdfast.v1.ErrorReason, or one of the client's own; the empty string when a proxy answered. */
  readonly reason: string;
  /** The gRPC code; undefined when no call failed. */
  readonly code: Code | undefined;
  /** Set if and only if the same call can help later. */
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly Violation[];

  constructor(message: string, init: HoldfastErrorInit) {
    super(message, { cause: init.cause });
    this.reason = init.reason;
    this.code = init.code;
    this.retryAfterMs = init.retryAfterMs;
    this.violations = init.violations ?? [];
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
    cause?: unknown,
    last = lastOutcome === undefined ? "no answer yet" : `last told ${lastOutcome}`,
  ) {
    super(`not settled within ${timeoutMs} ms: ${last}`, { reason: "TIMEOUT", code: Code.DeadlineExceeded, cause });
    this.lastOutcome = lastOutcome;
  }
}
