import { type Proof, type StoredRecord, sameBytes } from "../../../src/domain/record.ts";

/** Whether two readings are of one version. Flags are nobody's business: they come and go without a change. */
export function sameRecord(a: StoredRecord | null, b: StoredRecord | null): boolean {
  if (a === null || b === null) return a === b;
  return a.due === b.due && sameProgress(a, b) && sameDurably(a, b);
}

/** The same but for what a crash may set back: a bare extension, progress. */
export function sameDurably(a: StoredRecord | null, b: StoredRecord | null): boolean {
  if (a === null || b === null) return a === b;
  return sameAttempt(a, b) && sameEnd(a, b) && sameWork(a, b);
}

function sameAttempt(a: StoredRecord, b: StoredRecord): boolean {
  return (
    a.state === b.state &&
    a.attempt === b.attempt &&
    a.claimId === b.claimId &&
    a.createTime === b.createTime &&
    a.attemptStartTime === b.attemptStartTime &&
    sameProof(a.lease, b.lease) &&
    sameProof(a.suspect, b.suspect) &&
    sameOrNull(a.fingerprint?.digest ?? null, b.fingerprint?.digest ?? null)
  );
}

/** What became of the last attempt; immutable once the record has ended. */
export function sameEnd(a: StoredRecord, b: StoredRecord): boolean {
  return (
    a.reason === b.reason &&
    a.endTime === b.endTime &&
    a.forgetAt === b.forgetAt &&
    sameOrNull(a.endDigest, b.endDigest) &&
    sameOrNull(a.outcome, b.outcome)
  );
}

function sameWork(a: StoredRecord, b: StoredRecord): boolean {
  return (
    a.checkpointSequence === b.checkpointSequence &&
    a.checkpointTime === b.checkpointTime &&
    a.externalRef === b.externalRef &&
    sameOrNull(a.checkpoint, b.checkpoint) &&
    sameBytes(a.evidence, b.evidence)
  );
}

function sameProgress(a: StoredRecord, b: StoredRecord): boolean {
  return sameOrNull(a.progress, b.progress);
}

export function sameProof(a: Proof | null, b: Proof | null): boolean {
  if (a === null || b === null) return a === b;
  return a.fence === b.fence && sameBytes(a.token, b.token);
}

function sameOrNull(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : sameBytes(a, b);
}
