import type { ClaimAnswer, ClaimCall } from "../../domain/calls.ts";
import { keyColumns } from "./batch-rows.ts";
import { boolArray, byteaArray, int4Array, int8Array, textArray } from "./binary-array.ts";
import { answerClaims, type PackedClaim, readClaimRow } from "./claim-row.ts";
import type { Connection } from "./connection.ts";
import { isDiskFull } from "./errors.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const claim = loadStatement("claim");

/**
 * Runs a batch of claims to execute, and takes nothing that is there already. Null: it may have to be taken, over or anew,
 * by `runReclaims`.
 *
 * Where the disk has no room for new records, those who ask for one do not take with them who is in the batch by chance:
 * it is run again without creating any. If nobody is served by that either, it fails as it did, and its lane rests.
 */
export async function runClaims(
  connection: Connection,
  calls: readonly ClaimCall[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  try {
    return await claimAll(connection, calls, time);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const answers = await claimAll(connection, calls.map(withoutCreating), time);
    if (answers.every((answer) => answer?.kind === "refused")) throw error;
    return answers.map((answer, i) =>
      answer?.kind === "refused" && calls[i]?.mayAcquire === "anything"
        ? { kind: "fault", code: "STORE_UNAVAILABLE", now: answer.now }
        : answer,
    );
  }
}

function withoutCreating(call: ClaimCall): ClaimCall {
  return call.mayAcquire === "anything" ? { ...call, mayAcquire: "existing" } : call;
}

async function claimAll(
  connection: Connection,
  calls: readonly ClaimCall[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const rows = await connection.query<PackedClaim>(claim, [
    ...keyColumns(calls),
    textArray(calls, (call) => call.claimId),
    byteaArray(calls, (call) => call.token),
    byteaArray(calls, (call) => call.fingerprint.digest),
    textArray(calls, (call) => call.fingerprint.algorithm),
    int8Array(calls, (call) => call.leaseMs),
    boolArray(calls, (call) => call.mayAcquire === "anything"),
    textArray(calls, (call) => call.externalRef),
    byteaArray(calls, (call) => call.evidence),
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
