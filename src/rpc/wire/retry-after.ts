import { RETRY_AFTER_MS_MAX } from "../../domain/limits.ts";

/** Nobody is told to ask again at once. */
const RETRY_AFTER_MS_MIN = 20;

/** A lease that is over but not given up shows no end to wait for. */
const LAPSED_RETRY_AFTER_MS = 1000;

const JITTER = 0.1;

/** How much the jitter of a due time far away may add. */
const DUE_JITTER_MS_MAX = 3000;

/**
 * When to ask again about a lease: when it runs out, 30 s from now at the latest. Spread, so that the callers of one
 * key do not come back as one: upwards below the cap, for who asks just before the end is only told to ask again.
 *
 * @param random 0 up to but not including 1
 */
export function retryAfterLeaseMs(remainingMs: number, random: number): number {
  const untilEndMs = remainingMs > 0 ? remainingMs : LAPSED_RETRY_AFTER_MS;
  const spreadMs = untilEndMs * (1 + JITTER * random);
  return Math.max(RETRY_AFTER_MS_MIN, Math.ceil(Math.min(spreadMs, RETRY_AFTER_MS_MAX * (1 - JITTER * random))));
}

/** When to ask again about a due time: once it has come, a little later for some. */
export function retryAfterDueMs(untilDueMs: number, random: number): number {
  const jitterMs = Math.min(untilDueMs * JITTER, DUE_JITTER_MS_MAX) * random;
  return Math.max(RETRY_AFTER_MS_MIN, Math.ceil(untilDueMs + jitterMs));
}
