import { randomUUID } from "node:crypto";
import { systemClock } from "../../../src/clock.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import type { Store } from "../../../src/store/store.ts";
import { claimOf, freshToken } from "../../../test/support/records.ts";

/**
 * Postgres is told not to write by itself, before long, what nobody waits for: what did not see to that is lost with its
 * memory each time.
 */
export const SETTINGS = { synchronous_commit: "on", wal_writer_delay: "10s" };

const LEASES = 20;

/** Leases of fresh keys. */
export function claimSome(store: Store): Promise<readonly StoredRecord[]> {
  return Promise.all(
    Array.from({ length: LEASES }, async () => {
      const key = { tenant: "default", scope: "crash", key: randomUUID() };
      const call = claimOf({ key, claimId: randomUUID(), token: freshToken() });
      const claimed = await store.claim(call, Number.POSITIVE_INFINITY);
      if (claimed.kind !== "acquired") throw new Error(`a fresh key was answered ${claimed.kind}`);
      return claimed.record;
    }),
  );
}

/**
 * When the work is done, kills one of the database's processes, whereupon it gives up all of its memory and starts anew:
 * what was not handed to the operating system is lost. Whom it will be is known before, so that nothing else is waited for.
 */
export async function crashAfter(url: string, work: () => Promise<void>): Promise<void> {
  let isKilled = false;
  const crash = withClient({ url }, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      "select pid from pg_stat_activity where application_name = 'holdfast' and pid <> pg_backend_pid() limit 1",
    );
    const pid = rows[0]?.pid;
    if (pid === undefined) throw new Error("there is no session to be killed");
    await work();
    process.kill(pid, "SIGKILL");
    isKilled = true;
    // Ends when the server has ended this session too.
    await client.query("select pg_sleep(30)");
  });
  await crash.catch((error: unknown) => {
    if (!isKilled) throw error;
  });
}

/** As soon as the database is back. */
export async function read(store: Store, key: RecordKey): Promise<StoredRecord | null> {
  for (let tries = 0; ; tries++) {
    try {
      return (await store.peek(key, Number.POSITIVE_INFINITY)).record;
    } catch (error) {
      if (!(error instanceof Fault && error.code === "STORE_UNAVAILABLE") || tries === 600) throw error;
      await systemClock.sleep(50);
    }
  }
}
