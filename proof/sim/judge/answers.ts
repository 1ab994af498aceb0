import type {
  ClaimAnswer,
  ClaimCall,
  FinishAnswer,
  FinishCall,
  HeartbeatAnswer,
  HeartbeatCall,
  Peeked,
} from "../../../src/domain/calls.ts";
import type { FaultCode } from "../../../src/domain/fault.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import { isForgotten, type StoredRecord, sameBytes } from "../../../src/domain/record.ts";
import { decideClaim } from "../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../src/domain/reducer/heartbeat.ts";
import type { Version } from "./judge.ts";
import { sameProof, sameRecord } from "./same.ts";

/**
 * Which version of the record explains an answer: the reducer gives it of that version, or the call has made that
 * version. Null: none of those that there were while the call was under way, and the answer is wrong.
 */
type Explain<Call, Answer> = (
  versions: readonly Version[],
  call: Call,
  answer: Answer,
  instants: readonly Instant[],
) => Version | null;

export const explainClaim: Explain<ClaimCall, ClaimAnswer> = (versions, call, answer, instants) => {
  switch (answer.kind) {
    case "acquired":
      return (
        versions.find(({ record }) => record?.claimId === call.claimId && sameRecord(record, answer.record)) ?? null
      );
    case "refused":
      return findAt(versions, instants, (record, now) => decideClaim(record, call, now, 0n).answer.kind === "refused");
    case "fault":
      return findAt(versions, instants, (record, now) =>
        isFault(decideClaim(record, call, now, 0n).answer, answer.code),
      );
    default:
      return (
        versions.find(({ record, cause, fromNow }) => {
          if (!sameRecord(record, answer.record)) return false;
          if (cause?.kind === "settle") return true;
          // When a wait runs out it is answered by what was read last, as of a later moment: time may have changed that.
          const moments = OPEN.has(answer.kind) ? [answer.now, fromNow, ...instants] : [answer.now];
          return moments.some((now) => decideClaim(record, call, now, 0n).answer.kind === answer.kind);
        }) ?? null
      );
  }
};

const OPEN: ReadonlySet<ClaimAnswer["kind"]> = new Set(["in-progress", "retry-scheduled"]);

export const explainHeartbeat: Explain<HeartbeatCall, HeartbeatAnswer> = (versions, call, answer, instants) => {
  if (answer.kind === "fault") {
    return findAt(versions, instants, (record, now) => isFault(decideHeartbeat(record, call, now).answer, answer.code));
  }
  return (
    versions.find(
      ({ record }) =>
        record?.state === "in-progress" && record.due === answer.due && sameProof(record.lease, call.proof),
    ) ?? null
  );
};

export const explainFinish: Explain<FinishCall, FinishAnswer> = (versions, call, answer, instants) => {
  if (answer.kind === "fault") {
    return findAt(versions, instants, (record, now) => isFault(decideFinish(record, call, now).answer, answer.code));
  }
  const isSame = ({ state, due }: { readonly state: string; readonly due: Instant }) =>
    state === answer.state && due === answer.due;
  if (!answer.alreadyApplied) return versions.find((version) => isBy(version, call) && isSame(version.record)) ?? null;
  return findAt(versions, instants, (record, now) => {
    const { answer: decided } = decideFinish(record, call, now);
    return decided.kind === "ended" && decided.alreadyApplied && isSame(decided);
  });
};

function isBy(version: Version, { digest, proof }: FinishCall): version is Version & { readonly record: StoredRecord } {
  const { cause, record } = version;
  if (cause?.kind !== "finish" || record === null) return false;
  return sameBytes(cause.call.digest, digest) && sameProof(cause.call.proof, proof);
}

export const explainPeek: Explain<null, Peeked> = (versions, _call, { record, now }) =>
  versions.find((version) => sameRecord(asPeeked(version.record, now), record)) ?? null;

export function asPeeked(record: StoredRecord | null, now: Instant): StoredRecord | null {
  return record === null || isForgotten(record, now) ? null : record;
}

function isFault(answer: { readonly kind: string; readonly code?: FaultCode }, code: FaultCode): boolean {
  return answer.kind === "fault" && answer.code === code;
}

/** Of a fault nobody says at which instant it was found. */
function findAt(
  versions: readonly Version[],
  instants: readonly Instant[],
  matches: (record: StoredRecord | null, now: Instant) => boolean,
): Version | null {
  return versions.find(({ record, fromNow }) => [...instants, fromNow].some((now) => matches(record, now))) ?? null;
}
