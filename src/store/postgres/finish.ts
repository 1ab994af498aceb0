import type { EndKind, FinishAnswer, FinishCall } from "../../domain/calls.ts";
import type { Instant } from "../../domain/instant.ts";
import { decideFinish } from "../../domain/reducer/finish.ts";
import { type IdentifiedRow, keyColumns, matchRows } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { formatInstant } from "./instant.ts";
import { answerMissed } from "./missed.ts";
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
  readonly state: number;
  readonly due: Instant;
  readonly has_waiters: boolean;
  readonly late: boolean;
  readonly held_at: Instant;
}

/** Runs a batch of completes and fails. Null: undecided, needs another round. */
export async function runFinishes(
  connection: Connection,
  calls: readonly FinishCall[],
  time: ServerTime,
): Promise<(FinishAnswer | null)[]> {
  const rows = await connection.query<EndedRow>(finish, [
    ...keyColumns(calls),
    calls.map((call) => call.proof.token),
    calls.map((call) => call.proof.fence),
    calls.map((call) => WANTED_STATE[call.kind]),
    calls.map((call) => call.kind === "not-started"),
    calls.map((call) => call.delayMs),
    calls.map((call) => call.outcome),
    calls.map((call) => call.digest),
    calls.map((call) => call.checkpoint?.encoded ?? null),
    calls.map((call) => call.checkpoint?.sequence ?? null),
    calls.map((call) => (call.onlyIfDue === null ? null : formatInstant(call.onlyIfDue))),
    time.asOf(),
  ]);
  const answers = matchRows(calls, rows).map(({ call, row }) => ({ call, answer: row && ended(row) }));
  return answerMissed(connection, answers, decideFinish, time);
}

function ended({ state: code, due, late, has_waiters, held_at }: EndedRow): FinishAnswer {
  const state = decodeState(code);
  if (state === "in-progress") throw new Error("bug: an attempt was ended and is in progress");
  return { kind: "ended", state, due, alreadyApplied: false, late, hasWaiters: has_waiters, now: held_at };
}
