import type { ClaimAnswer, ClaimCall } from "../../domain/calls.ts";
import { keyColumns } from "./batch-rows.ts";
import { answerClaims, type ClaimRow } from "./claim-row.ts";
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
  const rows = await connection.query<ClaimRow>(reconcile, [
    ...keyColumns(calls),
    calls.map((call) => call.claimId),
    calls.map((call) => call.token),
    calls.map((call) => call.fingerprint.digest),
    calls.map((call) => call.leaseMs),
    // A record that exists is all that a reconciler can take, and reuse "reject" wants none to exist.
    calls.map((call) => call.mayAcquire !== "nothing" && call.reuse !== "reject"),
    calls.map((call) => call.evidence),
    await time.notAfter(connection),
    time.asOf(),
  ]);
  return answerClaims(connection, calls, rows, time);
}
