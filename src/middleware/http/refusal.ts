import {
  ExpiredError,
  FailedError,
  FingerprintMismatchError,
  HoldfastError,
  OutcomeUnknownError,
  ResultUnavailableError,
  TimeoutError,
} from "../../client/public.ts";
import type { ProblemCode } from "./problem.ts";

/** What a claim that did not lead to the handler's run is answered with. */
export interface Refusal {
  readonly code: ProblemCode;
  readonly retryAfterMs?: number | undefined;
}

/** Most handlers take less; one that has crashed is asked for once a second until its lease is over. */
const IN_PROGRESS_RETRY_MS = 1_000;
/** Where Holdfast does not say when. */
const UNAVAILABLE_RETRY_MS = 1_000;

/** Undefined for an error that is not Holdfast's. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof FingerprintMismatchError) return verdict("key-reused");
  if (error instanceof OutcomeUnknownError) return verdict("outcome-unknown");
  if (error instanceof ResultUnavailableError) return verdict("result-not-kept");
  if (error instanceof ExpiredError) return verdict("expired");
  if (error instanceof FailedError) return verdict("failed");
  if (error instanceof TimeoutError && error.lastOutcome === "in-progress") {
    const retryAfterMs = Math.min(error.retryAfterMs ?? IN_PROGRESS_RETRY_MS, IN_PROGRESS_RETRY_MS);
    return verdict("in-progress", retryAfterMs);
  }
  if (error instanceof TimeoutError && error.lastOutcome === "retry-scheduled") {
    return verdict("in-progress", error.retryAfterMs ?? IN_PROGRESS_RETRY_MS);
  }
  if (!(error instanceof HoldfastError)) return undefined;
  // Refused again and again until the time was over: the reason says more.
  if (error instanceof TimeoutError && error.cause instanceof HoldfastError) return refusalOf(error.cause);
  const retryAfterMs = error.retryAfterMs ?? UNAVAILABLE_RETRY_MS;
  if (error.reason.startsWith("QUOTA_")) return verdict("quota", retryAfterMs);
  return { code: "unavailable", retryAfterMs };
}

function verdict(code: ProblemCode, retryAfterMs?: number): Refusal {
  return { code, retryAfterMs };
}
