import pg from "pg";
import { expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { Fault } from "../../src/domain/fault.ts";
import { silentObserver } from "../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../src/store/postgres/batch-limits.ts";
import { createBatcher } from "../../src/store/postgres/batcher.ts";
import type { Connection } from "../../src/store/postgres/connection.ts";
import { createDatabase } from "../../src/store/postgres/database.ts";
import { noTracing } from "../../src/telemetry/tracing.ts";
import { createEmptyDatabase } from "../support/database.ts";

interface Call {
  readonly key: string;
  /** Kept over every repetition of the call, as a claim_id is. */
  readonly id: string;
}

const KEYS = 700;
const RIVALS = 3;
const KILLS = 15;

/** The first to take a key has it for good; everybody is told who has. `takes` counts what must not happen twice. */
const take = {
  name: "take",
  text: `with called as (select * from unnest($1::text[], $2::text[]) as c (key, id) order by c.key),
              taken as (
                insert into owned as o (key, id, takes) select key, id, 1 from called
                on conflict (key) do update set takes = o.takes + 1 where o.id is null
                returning key, id)
         select c.key, coalesce(t.id, (select o.id from owned o where o.key = c.key)) as owner
           from called c left join taken t using (key)`,
};

async function runTakes(connection: Connection, calls: readonly Call[]): Promise<readonly (string | null)[]> {
  const rows = await connection.query<{ key: string; owner: string | null }>(take, [
    calls.map(({ key }) => key),
    calls.map(({ id }) => id),
  ]);
  const owners = new Map(rows.map(({ key, owner }) => [key, owner]));
  return calls.map(({ key }) => owners.get(key) ?? null);
}

test.each([1, 2])(
  "with sessions terminated under load, each with as many as %i batches under way, nothing is lost, nothing is done twice, and every call is answered in the end",
  async (atOnce) => {
    const { url, drop } = await createEmptyDatabase();
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query('create table owned (key text collate "C" primary key, id text, takes integer not null)');
    const database = createDatabase({ url, clock: systemClock, random: Math.random });
    const retried: string[] = [];
    const underWay = new Map<Connection, number>();
    let underWayMax = 0;
    const count = (connection: Connection, change: 1 | -1) => {
      const now = (underWay.get(connection) ?? 0) + change;
      underWay.set(connection, now);
      underWayMax = Math.max(underWayMax, now);
    };
    const batcher = createBatcher<Call, string>({
      name: "take",
      lanes: database.lanes(2, { atOnce }),
      clock: systemClock,
      tracing: noTracing,
      observer: { ...silentObserver, retried: (_, cause) => retried.push(cause) },
      limits: { ...BATCH_LIMITS, rowsMax: 16, aheadRowsMin: 4 },
      keyOf: ({ key }) => ({ tenant: "t", scope: "s", key }),
      bytesOf: () => 100,
      run(connection, calls) {
        count(connection, 1);
        return runTakes(connection, calls).finally(() => count(connection, -1));
      },
    });

    let answered = 0;
    let unavailable = 0;
    const callUntilAnswered = async (call: Call): Promise<string> => {
      for (;;) {
        try {
          const owner = await batcher.submit(call, Infinity);
          answered++;
          return owner;
        } catch (error) {
          if (!(error instanceof Fault && error.code === "STORE_UNAVAILABLE")) throw error;
          unavailable++;
          await systemClock.sleep(5);
        }
      }
    };
    const terminate = async () => {
      for (let kills = 0; kills < KILLS && answered < KEYS * RIVALS; kills++) {
        const { rowCount } = await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'holdfast' and datname = current_database() order by random() limit 1`,
        );
        expect(rowCount).toBeLessThanOrEqual(1);
        for (const before = answered; answered < Math.min(before + 100, KEYS * RIVALS); ) await systemClock.sleep(1);
      }
    };

    const calls = Array.from({ length: KEYS * RIVALS }, (_, i): Call => ({ key: `key-${i % KEYS}`, id: `call-${i}` }));
    const [owners] = await Promise.all([Promise.all(calls.map(callUntilAnswered)), terminate()]);
    await batcher.close();
    await database.close();

    const { rows } = await admin.query<{ key: string; id: string; takes: number }>("select key, id, takes from owned");
    const stored = new Map(rows.map(({ key, id }) => [key, id]));
    expect(rows).toHaveLength(KEYS);
    expect(rows.every(({ takes }) => takes === 1)).toBe(true);
    expect(calls.filter(({ key }, i) => owners[i] !== stored.get(key))).toEqual([]);
    expect(retried.length + unavailable).toBeGreaterThan(0);
    expect(underWayMax, "as many on a connection as may be").toBe(atOnce);
    await admin.end();
    await drop();
  },
);
