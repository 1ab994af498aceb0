import type { ClaimAnswer, ClaimCall } from "../src/domain/calls.ts";
import { runClaims } from "../src/store/postgres/claim.ts";
import type { Connection } from "../src/store/postgres/connection.ts";
import { runReclaims } from "../src/store/postgres/reclaim.ts";
import type { ServerTime } from "../src/store/postgres/server-time.ts";

/** A batch as the store runs it: what claims leave undecided is for reclaims. */
export async function claimAll(
  connection: Connection,
  calls: readonly ClaimCall[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const first = await runClaims(connection, calls, time);
  const left = calls.filter((_, i) => first[i] === null);
  const second = left.length === 0 ? [] : await runReclaims(connection, left, time);
  return first.map((answer) => answer ?? second.shift() ?? null);
}
