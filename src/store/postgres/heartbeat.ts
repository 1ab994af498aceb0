import type { HeartbeatAnswer, HeartbeatCall } from "../../domain/calls.ts";
import type { Instant } from "../../domain/instant.ts";
import { sameProof } from "../../domain/record.ts";
import { decideHeartbeat } from "../../domain/reducer/heartbeat.ts";
import { type IdentifiedRow, keyColumns, matchRows } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { answerMissed } from "./missed.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const heartbeat = loadStatement("heartbeat");

/**
 * A bare extension may be set back by a crash of the database: the holder's end is fenced all the same. What a later
 * attempt relies on may not.
 */
export function needsDurability(call: HeartbeatCall): boolean {
  return call.checkpoint !== null || call.externalRef !== null;
}

interface ExtendedRow extends IdentifiedRow {
  readonly due: Instant;
  readonly has_waiters: boolean;
  readonly held_at: Instant;
}

/**
 * Runs a batch of heartbeats, which is lazy only if none of its calls needs durability. Null: undecided, needs another
 * round.
 */
export async function runHeartbeats(
  connection: Connection,
  calls: readonly HeartbeatCall[],
  time: ServerTime,
): Promise<(HeartbeatAnswer | null)[]> {
  const rows = await connection.query<ExtendedRow>(heartbeat, [
    ...keyColumns(calls),
    calls.map((call) => call.proof.token),
    calls.map((call) => call.proof.fence),
    calls.map((call) => call.leaseMs),
    calls.map((call) => call.checkpoint?.encoded ?? null),
    calls.map((call) => call.checkpoint?.sequence ?? null),
    calls.map((call) => call.progress),
    calls.map((call) => call.externalRef),
    !calls.some(needsDurability),
    time.asOf(),
  ]);
  const answers = matchRows(calls, rows).map(({ call, row }) => ({ call, answer: row && extended(row) }));
  return answerMissed(connection, answers, decideHeartbeat, time);
}

/**
 * A bare extension that asks for no more than the leader's, by the same proof, is what the leader was: a caller that
 * beats a thousand times a second costs a statement now and then. Null: it has something of its own to store.
 */
export function followHeartbeat(
  answer: HeartbeatAnswer,
  leader: HeartbeatCall,
  follower: HeartbeatCall,
): HeartbeatAnswer | null {
  const bare = !needsDurability(follower) && follower.progress === null;
  return bare && follower.leaseMs <= leader.leaseMs && sameProof(leader.proof, follower.proof) ? answer : null;
}

function extended({ due, has_waiters, held_at }: ExtendedRow): HeartbeatAnswer {
  return { kind: "extended", due, hasWaiters: has_waiters, now: held_at };
}
