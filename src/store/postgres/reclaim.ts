import type { ClaimAnswer, ClaimCall, MayAcquire, Reuse } from "../../domain/calls.ts";
import { keyColumns } from "./batch-rows.ts";
import { boolArray, byteaArray, int2Array, int4Array, int8Array, textArray } from "./binary-array.ts";
import { answerClaims, type PackedClaim, readClaimRow } from "./claim-row.ts";
import type { Connection } from "./connection.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const reclaim = loadStatement("reclaim");

const REUSE = { "replay-all": 1, "retry-failed": 2, reject: 3 } as const satisfies Record<Reuse, number>;
const MAY_ACQUIRE = { nothing: 0, existing: 1, anything: 2 } as const satisfies Record<MayAcquire, number>;

/**
 * Runs a batch of claims to execute of records that are there. Null: the record has changed since it was read, or has
 * gone, and `runClaims` has to read it anew.
 */
export async function runReclaims(
  connection: Connection,
  calls: readonly ClaimCall[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const rows = await connection.query<PackedClaim>(reclaim, [
    ...keyColumns(calls),
    textArray(calls, (call) => call.claimId),
    byteaArray(calls, (call) => call.token),
    byteaArray(calls, (call) => call.fingerprint.digest),
    textArray(calls, (call) => call.fingerprint.algorithm),
    int8Array(calls, (call) => call.leaseMs),
    int2Array(calls, (call) => REUSE[call.reuse]),
    textArray(calls, (call) => call.externalRef),
    byteaArray(calls, (call) => call.evidence),
    int2Array(calls, (call) => MAY_ACQUIRE[call.mayAcquire]),
    boolArray(calls, (call) => call.policy.hold),
    int4Array(calls, (call) => call.policy.maxAttempts),
    int8Array(calls, (call) => call.policy.maxExecutionMs),
    int8Array(calls, (call) => call.policy.resultRetentionMs),
    int8Array(calls, (call) => call.policy.tombstoneRetentionMs),
    await time.notAfter(connection),
    time.asOf(),
  ]);
  return answerClaims(connection, calls, rows.map(readClaimRow), time);
}
