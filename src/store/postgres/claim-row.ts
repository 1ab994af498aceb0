import type { ClaimAnswer, ClaimCall } from "../../domain/calls.ts";
import type { Instant } from "../../domain/instant.ts";
import type { RecordKey } from "../../domain/key.ts";
import type { StoredRecord } from "../../domain/record.ts";
import { decideClaim } from "../../domain/reducer/claim.ts";
import { type IdentifiedRow, matchEveryRow, type PackedCall, readIdentity } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { failureOf, HalfDone } from "./errors.ts";
import { type PackedRecord, unpackRecord } from "./packed-record.ts";
import { PackedRow } from "./packed-row.ts";
import type { ServerTime } from "./server-time.ts";
import { type Exhausted, runSettles, type Settled } from "./settle.ts";

/** What claim.sql, reclaim.sql and reconcile.sql return for each call: the record as it was read, and what was won of it. */
export interface PackedClaim extends PackedCall {
  readonly record: PackedRecord;
}

export interface ClaimRow extends IdentifiedRow {
  readonly seenAt: Instant;
  readonly fenceFloor: bigint;
  readonly stored: StoredRecord | null;
  /** What the winner's call made of the record; null: it was not taken. */
  readonly won: Pick<StoredRecord, "due" | "attempt" | "lease" | "hasWaiters"> | null;
}

export function readClaimRow({ call, record }: PackedClaim): ClaimRow {
  const row = new PackedRow(call);
  const { i, tenant, scope, key } = readIdentity(row);
  const seenAt = row.instant();
  const fenceFloor = row.int8();
  const fence = row.int8OrNull();
  const won = fence === null ? null : readWon(row, fence);
  const stored = unpackRecord(record, { tenant, scope, key });
  return { i, tenant, scope, key, seenAt, fenceFloor, stored, won };
}

function readWon(row: PackedRow, fence: bigint): ClaimRow["won"] {
  const due = row.instant();
  const attempt = row.int4();
  const token = row.bytes();
  const hasWaiters = row.bool();
  row.end();
  return { due, attempt, lease: { token, fence }, hasWaiters };
}

/**
 * Words the answers to a batch. Null: the statement might have taken the record and did not, because that is another
 * statement's, or because what the claim was decided on changed before it could be taken.
 */
export async function answerClaims(
  connection: Connection,
  calls: readonly ClaimCall[],
  rows: readonly ClaimRow[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const verdicts = matchEveryRow(calls, rows).map(({ call, row }) => {
    time.observed(row.seenAt);
    return judge(row, call);
  });
  const exhausted = verdicts.filter((verdict) => verdict.kind === "exhausted");
  const settled = (await settleAfterClaims(connection, exhausted, time)).values();
  const answerOf = (verdict: Verdict): ClaimAnswer | null => {
    switch (verdict.kind) {
      case "answered":
        return verdict.answer;
      case "lost":
        return null;
      case "exhausted": {
        const failed = settled.next().value ?? null;
        return failed && { kind: "failed", policyDiffers: verdict.policyDiffers, ...failed };
      }
    }
  };
  return verdicts.map(answerOf);
}

/**
 * The claims have committed by now, so a failure here must not look as if the batch had been rolled back. Contention
 * leaves only the records to be settled undecided; the batcher bounds how often they are tried.
 */
async function settleAfterClaims(
  connection: Connection,
  exhausted: readonly Exhausted[],
  time: ServerTime,
): Promise<readonly (Settled | null)[]> {
  try {
    return await runSettles(connection, exhausted, time);
  } catch (error) {
    if (failureOf(error) === "contended") return exhausted.map(() => null);
    throw new HalfDone(error);
  }
}

type Verdict =
  | { readonly kind: "answered"; readonly answer: ClaimAnswer }
  /** What was read has changed before it could be taken. */
  | { readonly kind: "lost" }
  /** The record has to be settled first. */
  | ({ readonly kind: "exhausted"; readonly key: RecordKey; readonly policyDiffers: boolean } & Exhausted);

/**
 * By the reducer, over the record that the statement read and the instant at which it decided. The statement alone
 * decides whether the record was taken, because only there is that atomic; the reducer must agree.
 */
function judge(row: ClaimRow, call: ClaimCall): Verdict {
  const { answer, next } = decideClaim(row.stored, call, row.seenAt, row.fenceFloor);
  if (row.won !== null) {
    if (answer.kind !== "acquired") throw new Error(`bug: a claim was won that is answered ${answer.kind}`);
    return { kind: "answered", answer: { ...answer, record: { ...answer.record, ...row.won } } };
  }
  if (next === null) return { kind: "answered", answer };
  if (answer.kind !== "failed") return { kind: "lost" };
  return { kind: "exhausted", key: call.key, fence: next.lease.fence, policyDiffers: answer.policyDiffers };
}

/**
 * Answers a claim by the answer to another of the same key, where that needs no write. Null where it does, or where the
 * other answer tells of no record.
 *
 * Safe only for a follower that was submitted before the leader's statement was sent: the record is what that statement
 * read, or made of what it read, and both happened after the sending, so within the follower's own call. For a follower
 * submitted while the statement was under way nothing says so: between the statement's commit and that submission the
 * record may have been ended through another server, and the end acknowledged.
 */
export function followClaim(answer: ClaimAnswer, follower: ClaimCall): ClaimAnswer | null {
  if (answer.kind === "refused" || answer.kind === "fault") return null;
  const followed = decideClaim(answer.record, follower, answer.now, 0n);
  return followed.next === null ? followed.answer : null;
}
