import type { ClaimAnswer, ClaimCall } from "../../domain/calls.ts";
import { keyColumns } from "./batch-rows.ts";
import { boolArray, byteaArray, int8Array, textArray } from "./binary-array.ts";
import { answerClaims, type PackedClaim, readClaimRow } from "./claim-row.ts";
import type { Connection } from "./connection.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const reconcile = loadStatement("reconcile");

/** Runs a batch of claims to reconcile. Null: undecided, needs a fresh read. */
export async function runReconciles(
  connection: Connection,
  calls: readonly ClaimCall[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const rows = await connection.query<PackedClaim>(reconcile, [
    ...keyColumns(calls),
    textArray(calls, (call) => call.claimId),
    byteaArray(calls, (call) => call.token),
    byteaArray(calls, (call) => call.fingerprint.digest),
    int8Array(calls, (call) => call.leaseMs),
    // A record that exists is all that a reconciler can take, and reuse "reject" wants none to exist.
    boolArray(calls, (call) => call.mayAcquire !== "nothing" && call.reuse !== "reject"),
    byteaArray(calls, (call) => call.evidence),
    await time.notAfter(connection),
    time.asOf(),
  ]);
  return answerClaims(connection, calls, rows.map(readClaimRow), time);
}
