import type { ClaimAnswer, ClaimCall } from "../../domain/calls.ts";
import type { Instant } from "../../domain/instant.ts";
import type { RecordKey } from "../../domain/key.ts";
import { decideClaim } from "../../domain/reducer/claim.ts";
import { matchEveryRow } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { failureOf, HalfDone } from "./errors.ts";
import { decodeFound, type FoundRow, plain } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { type Exhausted, runSettles, type Settled } from "./settle.ts";

/** What claim.sql and reconcile.sql return for each call: the record as it was read, and what was won of it. */
export type ClaimRow = FoundRow & {
  readonly fence_floor: bigint;
} & (
    | {
        readonly won_fence: bigint;
        readonly won_due: Instant;
        readonly won_attempt: number;
        readonly won_token: Uint8Array;
        readonly won_has_waiters: boolean;
      }
    | { readonly won_fence: null }
  );

/** Words the answers to a batch. Null: what a claim was decided on changed before it could be taken; it has to be read anew. */
export async function answerClaims(
  connection: Connection,
  calls: readonly ClaimCall[],
  rows: readonly ClaimRow[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const verdicts = matchEveryRow(calls, rows).map(({ call, row }) => {
    time.observed(row.seen_at);
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
  const { answer, next } = decideClaim(decodeFound(row), call, row.seen_at, row.fence_floor);
  if (row.won_fence !== null) {
    if (answer.kind !== "acquired") throw new Error(`bug: a claim was won that is answered ${answer.kind}`);
    const record = {
      ...answer.record,
      due: row.won_due,
      attempt: row.won_attempt,
      lease: { token: plain(row.won_token), fence: row.won_fence },
      hasWaiters: row.won_has_waiters,
    };
    return { kind: "answered", answer: { ...answer, record } };
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
