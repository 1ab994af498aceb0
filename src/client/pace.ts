import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { ClaimResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Answered, RetryDeps } from "./retry.ts";
import { toHoldfastError } from "./wire-error.ts";

/** How often somebody who waits asks, and how long each question may stay open. */
export interface Pace {
  /** How long the server may keep the next claim open: whole milliseconds, 0 for not at all. */
  waitMs(): number;
  /** Told of each failed try. */
  failed(error: unknown): void;
  /** How long to pause after an answer that settles nothing. */
  pauseMs(answered: Answered<ClaimResponse>): number;
}

/** Half of what the server allows, and what is left of a connection that has reached its age. */
const WAIT_MS_MAX = 30_000;
/**
 * Left of the caller's time when the server answers at the latest: so its answer comes before the caller gives up, which
 * would cost a cancellation and another call.
 */
const ANSWER_MS = 100;
/** A server where too many wait answers claims all the same, if they do not wait; after this time waiting is tried again. */
const NO_WAIT_MS = 10_000;
/**
 * The first pause after an answer for which the server did not wait. It doubles up to the server's retry_after, which is
 * what is left of the lease: most work is much shorter than its lease.
 */
const PAUSE_MS = 100;
/** A lease about to end has next to nothing left. */
const PAUSE_MS_MIN = 10;

/** @param endMs monotonic: when the caller gives up; Infinity is never */
export function createPace({ clock, random }: RetryDeps, endMs: number): Pace {
  let noWaitUntilMs = Number.NEGATIVE_INFINITY;
  let pauses = 0;

  const waitMs = () => {
    const nowMs = clock.monotonicMs();
    if (nowMs < noWaitUntilMs) return 0;
    return Math.floor(Math.max(0, Math.min(WAIT_MS_MAX, endMs - nowMs - ANSWER_MS)));
  };

  return {
    waitMs,

    failed(error) {
      if (toHoldfastError(error).reason === "QUOTA_WAITERS") noWaitUntilMs = clock.monotonicMs() + NO_WAIT_MS;
    },

    pauseMs({ answer: { detail }, sentAtMs, waitMs: allowedMs }) {
      if (detail.case !== "inProgress" && detail.case !== "retryScheduled")
        throw new Error("bug: this claim is settled");
      const retryAfterMs = millis(detail.value.retryAfter);
      const tookMs = clock.monotonicMs() - sentAtMs;
      if (detail.case === "retryScheduled") {
        // A due time is known, and nothing changes before it but by an operator; the server has spread its callers
        // already. It waits by itself for one that is near enough; if it did not, it never will.
        const isNear = retryAfterMs <= allowedMs - tookMs;
        return Math.max(PAUSE_MS_MIN, isNear ? retryAfterMs : retryAfterMs - waitMs());
      }
      // Half of it, because the two clocks may differ, and something between may allow less.
      const hasWaited = allowedMs > 0 && tookMs >= allowedMs / 2;
      if (hasWaited) pauses = 0;
      if (hasWaited && waitMs() > 0) return 0;
      const growingMs = PAUSE_MS * 2 ** Math.min(pauses++, 30);
      return Math.max(PAUSE_MS_MIN, Math.min(retryAfterMs, growingMs) * (0.5 + random() / 2));
    },
  };
}

function millis(duration: Duration | undefined): number {
  return duration === undefined ? 0 : durationMs(duration);
}
