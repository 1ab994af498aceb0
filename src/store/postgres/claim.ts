import type { ClaimAnswer, ClaimCall, MayAcquire, Reuse } from "../../domain/calls.ts";
import { keyColumns } from "./batch-rows.ts";
import { answerClaims, type ClaimRow } from "./claim-row.ts";
import type { Connection } from "./connection.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const claim = loadStatement("claim");

const REUSE = { "replay-all": 1, "retry-failed": 2, reject: 3 } as const satisfies Record<Reuse, number>;
const MAY_ACQUIRE = { nothing: 0, existing: 1, anything: 2 } as const satisfies Record<MayAcquire, number>;

/** Runs a batch of claims to execute. Null: undecided, needs a fresh read. */
export async function runClaims(
  connection: Connection,
  calls: readonly ClaimCall[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const rows = await connection.query<ClaimRow>(claim, [
    ...keyColumns(calls),
    calls.map((call) => call.claimId),
    calls.map((call) => call.token),
    calls.map((call) => call.fingerprint.digest),
    calls.map((call) => call.fingerprint.algorithm),
    calls.map((call) => call.leaseMs),
    calls.map((call) => REUSE[call.reuse]),
    calls.map((call) => call.externalRef),
    calls.map((call) => call.evidence),
    calls.map((call) => MAY_ACQUIRE[call.mayAcquire]),
    calls.map((call) => call.policy.hold),
    calls.map((call) => call.policy.maxAttempts),
    calls.map((call) => call.policy.maxExecutionMs),
    calls.map((call) => call.policy.resultRetentionMs),
    calls.map((call) => call.policy.tombstoneRetentionMs),
    await time.notAfter(connection),
    time.asOf(),
  ]);
  return answerClaims(connection, calls, rows, time);
}
