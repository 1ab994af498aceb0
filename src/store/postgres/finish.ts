import type { EndKind, FinishAnswer, FinishCall } from "../../domain/calls.ts";
import { decideFinish } from "../../domain/reducer/finish.ts";
import { type IdentifiedRow, keyColumns, matchRows, type PackedCall, readIdentity } from "./batch-rows.ts";
import { boolArray, byteaArray, int2Array, int8Array, timestamptzArray } from "./binary-array.ts";
import type { Connection } from "./connection.ts";
import { answerMissed } from "./missed.ts";
import { PackedRow } from "./packed-row.ts";
import { decodeState } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const finish = loadStatement("finish");

/** The codes of holdfast.record.state. The statement itself turns 2 into 4 when the last attempt is used up. */
const WANTED_STATE = {
  complete: 3,
  retryable: 2,
  terminal: 4,
  "outcome-unknown": 5,
  "not-started": 2,
} as const satisfies Record<EndKind, number>;

interface EndedRow extends IdentifiedRow {
  readonly answer: FinishAnswer;
}

/** Runs a batch of completes and fails. Null: undecided, needs another round. */
export async function runFinishes(
  connection: Connection,
  calls: readonly FinishCall[],
  time: ServerTime,
): Promise<(FinishAnswer | null)[]> {
  const rows = await connection.query<PackedCall>(finish, [
    ...keyColumns(calls),
    byteaArray(calls, (call) => call.proof.token),
    int8Array(calls, (call) => call.proof.fence),
    int2Array(calls, (call) => WANTED_STATE[call.kind]),
    boolArray(calls, (call) => call.kind === "not-started"),
    int8Array(calls, (call) => call.delayMs),
    byteaArray(calls, (call) => call.outcome),
    byteaArray(calls, (call) => call.digest),
    byteaArray(calls, (call) => call.checkpoint?.encoded ?? null),
    int8Array(calls, (call) => call.checkpoint?.sequence ?? null),
    timestamptzArray(calls, (call) => call.onlyIfDue),
    time.asOf(),
  ]);
  const ended = matchRows(calls, rows.map(readEnded)).map(({ call, row }) => ({ call, answer: row?.answer ?? null }));
  return answerMissed(connection, ended, decideFinish, time);
}

function readEnded({ call }: PackedCall): EndedRow {
  const row = new PackedRow(call);
  const identity = readIdentity(row);
  const state = decodeState(row.int2OrNull() ?? 0);
  if (state === "in-progress") throw new Error("bug: an attempt was ended and is in progress");
  const due = row.instant();
  const hasWaiters = row.bool();
  const late = row.bool();
  const now = row.instant();
  row.end();
  return { ...identity, answer: { kind: "ended", state, due, alreadyApplied: false, late, hasWaiters, now } };
}
