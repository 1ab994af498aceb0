import { create } from "@bufbuild/protobuf";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { FailKind } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { cutToBytes, ERROR_BYTES_MAX } from "./limits.ts";

export type FailureKind = "retryable" | "terminal" | "outcome-unknown" | "not-started";

export interface FailureDetail {
  /** A gRPC code, from 1 to 16, to store with the error. Default 2, UNKNOWN. */
  readonly code?: number;
  /** From when the record can be claimed again; at most its result retention. Default 0. */
  readonly delayMs?: number;
}

/** Thrown by work to say what its failure means. The caller of `once` gets the cause. */
export class AttemptFailure extends Error {
  override readonly name = "AttemptFailure";
  readonly kind: FailureKind;
  readonly code: number;
  readonly delayMs: number;

  constructor(kind: FailureKind, cause: unknown, { code = CODE_UNKNOWN, delayMs = 0 }: FailureDetail = {}) {
    super(messageOf(cause), { cause: typeof cause === "string" ? new Error(cause) : cause });
    this.kind = kind;
    this.code = code;
    this.delayMs = delayMs;
  }
}

/** gRPC's code for an error that has none. */
const CODE_UNKNOWN = 2;

/** May be tried again, by anyone, after the delay; the attempt counts. */
export function retryable(cause: unknown, detail?: FailureDetail): AttemptFailure {
  return new AttemptFailure("retryable", cause, detail);
}

/** Never to be tried again: the error is stored and replayed. */
export function terminal(cause: unknown, detail?: Pick<FailureDetail, "code">): AttemptFailure {
  return new AttemptFailure("terminal", cause, detail);
}

/** Nobody knows whether the work was done, as when a provider times out: somebody must reconcile. */
export function outcomeUnknown(cause: unknown, detail?: Pick<FailureDetail, "code">): AttemptFailure {
  return new AttemptFailure("outcome-unknown", cause, detail);
}

/** Nothing was done, and nothing will be; the attempt does not count. */
export function notStarted(cause: unknown, detail?: FailureDetail): AttemptFailure {
  return new AttemptFailure("not-started", cause, detail);
}

/**
 * What a thrown value means. An error without a kind says nothing about what was done: under "reacquire" the record may
 * be run again, as after a crash; under "hold" nobody knows, as after a crash.
 */
export function classify(thrown: unknown, onLeaseExpiry: "reacquire" | "hold"): AttemptFailure {
  if (thrown instanceof AttemptFailure) return thrown;
  return new AttemptFailure(onLeaseExpiry === "hold" ? "outcome-unknown" : "retryable", thrown);
}

export function failKind(kind: FailureKind): FailKind {
  return FAIL_KINDS[kind];
}

/** The error as it is stored: the message is cut to what the server takes, at a whole code point. */
export function toStatus(failure: AttemptFailure): Status {
  return create(StatusSchema, { code: failure.code, message: cutToBytes(failure.message, ERROR_MESSAGE_BYTES_MAX) });
}

/** The rest is for the code and the framing of the Status. */
const ERROR_MESSAGE_BYTES_MAX = ERROR_BYTES_MAX - 64;

const FAIL_KINDS = {
  retryable: FailKind.RETRYABLE,
  terminal: FailKind.TERMINAL,
  "outcome-unknown": FailKind.OUTCOME_UNKNOWN,
  "not-started": FailKind.NOT_STARTED,
} as const satisfies Record<FailureKind, FailKind>;

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.name === "Error" ? cause.message : `${cause.name}: ${cause.message}`;
}
