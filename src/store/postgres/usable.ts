import type { Clock } from "../../clock.ts";
import type { Instant } from "../../domain/instant.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import type { Lanes } from "./lanes.ts";
import { loadStatement } from "./statement.ts";

export interface UntilUsableDeps {
  readonly database: Database;
  /** One of its lanes. */
  readonly lane: Lanes;
  readonly clock: Clock;
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

const RETRY_MS = 50;

/**
 * Who is told that we listen must not be refused because a connection is still being opened, nor because of the
 * durability barrier that comes before the first of them may be used.
 */
export async function untilUsable({ database, lane, clock, waitMs, signal }: UntilUsableDeps): Promise<void> {
  const giveUpAtMs = clock.monotonicMs() + waitMs;
  await openedWithin(database, waitMs, clock, signal);
  for (;;) {
    try {
      await readDatabaseNow(lane);
      return;
    } catch (error) {
      if (clock.monotonicMs() >= giveUpAtMs) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

/** Also when some lane finds no room in the database: the others serve. */
async function openedWithin(database: Database, ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  const opened = new AbortController();
  const late = clock.sleep(ms, signal === undefined ? opened.signal : AbortSignal.any([signal, opened.signal]));
  try {
    await Promise.race([database.opened(), late]);
  } finally {
    late.catch(() => undefined);
    opened.abort();
  }
}

const SERVER_TIME = loadStatement("server-time");

/** The database's clock; asked before all that wait for the lane. */
export async function readDatabaseNow(lane: Lanes): Promise<Instant> {
  const ask = (connection: Connection) => connection.query<{ readonly now: Instant }>(SERVER_TIME, [null]);
  const [row] = await lane.run(0, ask, { ahead: true });
  if (row === undefined) throw new Error("bug: no row from server-time");
  return row.now;
}
