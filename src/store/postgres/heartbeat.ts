import type { HeartbeatAnswer, HeartbeatCall } from "../../domain/calls.ts";
import { sameProof } from "../../domain/record.ts";
import { decideHeartbeat } from "../../domain/reducer/heartbeat.ts";
import { type IdentifiedRow, keyColumns, matchRows, type PackedCall, readIdentity } from "./batch-rows.ts";
import { byteaArray, int8Array, textArray } from "./binary-array.ts";
import type { Connection } from "./connection.ts";
import { answerMissed } from "./missed.ts";
import { PackedRow } from "./packed-row.ts";
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
  readonly answer: HeartbeatAnswer;
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
  const rows = await connection.query<PackedCall>(heartbeat, [
    ...keyColumns(calls),
    byteaArray(calls, (call) => call.proof.token),
    int8Array(calls, (call) => call.proof.fence),
    int8Array(calls, (call) => call.leaseMs),
    byteaArray(calls, (call) => call.checkpoint?.encoded ?? null),
    int8Array(calls, (call) => call.checkpoint?.sequence ?? null),
    byteaArray(calls, (call) => call.progress),
    textArray(calls, (call) => call.externalRef),
    !calls.some(needsDurability),
    time.asOf(),
  ]);
  const extended = matchRows(calls, rows.map(readExtended)).map(({ call, row }) => ({
    call,
    answer: row?.answer ?? null,
  }));
  return answerMissed(connection, extended, decideHeartbeat, time);
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

function readExtended({ call }: PackedCall): ExtendedRow {
  const row = new PackedRow(call);
  const identity = readIdentity(row);
  const due = row.instant();
  const hasWaiters = row.bool();
  const now = row.instant();
  row.end();
  return { ...identity, answer: { kind: "extended", due, hasWaiters, now } };
}
