import type { Peeked } from "../domain/calls.ts";
import { msBetween } from "../domain/instant.ts";
import { hasEnded, sameBytes } from "../domain/record.ts";

/** After the lease's end, by which time the database's clock has surely passed it too. */
const PAST_DUE_MS = 50;
/** A due time can be months away, and a timer holds 24 days. */
const REST_MS_MAX = 3_600_000;

/** Until time alone can change what the record is, from when it was read. */
export function msUntilDue({ record, now }: Peeked): number {
  if (record === null || hasEnded(record) || record.state === "outcome-unknown") return Number.POSITIVE_INFINITY;
  if (record.due <= now) return Number.POSITIVE_INFINITY;
  return Math.min(msBetween(now, record.due) + PAST_DUE_MS, REST_MS_MAX);
}

/** Neither the record nor what time makes of it is another. Of an ended one it does not matter: nobody waits on. */
export function saysTheSame(a: Peeked, b: Peeked): boolean {
  if (a.record === null || b.record === null) return a.record === b.record;
  const { state, due, claimId, lease, checkpointSequence, externalRef, progress } = b.record;
  const was = a.record;
  return (
    was.state === state &&
    was.lease.fence === lease.fence &&
    was.due === due &&
    was.due <= a.now === due <= b.now &&
    was.claimId === claimId &&
    was.checkpointSequence === checkpointSequence &&
    was.externalRef === externalRef &&
    sameProgress(was.progress, progress)
  );
}

function sameProgress(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : sameBytes(a, b);
}
