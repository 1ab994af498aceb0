import { randomUUID } from "node:crypto";
import pg from "pg";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startEmbeddedPostgres } from "../../src/server/embedded-postgres.ts";
import { type DatabaseAddress, openSession, withClient } from "../../src/store/postgres/connection.ts";
import { createDatabase } from "../../src/store/postgres/database.ts";
import { ConnectionLost } from "../../src/store/postgres/errors.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { createDataDirectory } from "../support/data-directory.ts";
import { createEmptyDatabase } from "../support/database.ts";
import { claimOf, finishOf, freshToken } from "../support/records.ts";
import { finishWords } from "../support/words.ts";
import { openStoreOn } from "./store/open-store.ts";

const NEVER = Number.POSITIVE_INFINITY;

async function openOn(address: DatabaseAddress) {
  const session = await openSession({ ...address, clock: systemClock });
  onTestFinished(() => session.close().catch(() => undefined));
  return session;
}

test("a statement that the server warned of is not acknowledged, even where the role wants to hear of errors only", async () => {
  const { url, drop } = await createEmptyDatabase();
  onTestFinished(drop);
  const warnings = ["raise warning 'for the test'", "raise warning 'for the test' using errcode = 'admin_shutdown'"];
  for (const warning of warnings) {
    const session = await openOn({
      url: `${url}${url.includes("?") ? "&" : "?"}options=-cclient_min_messages%3Derror`,
    });
    const statement = { name: "warns", text: `do $$ begin ${warning}; end $$` };
    await expect(session.query(statement, [])).rejects.toBeInstanceOf(ConnectionLost);
    expect((await session.over).message).toContain("for the test");
  }
});

test("a notice that is no warning is nothing to the session", async () => {
  const { url, drop } = await createEmptyDatabase();
  onTestFinished(drop);
  const session = await openOn({ url });
  await session.query({ name: "shows", text: "select set_config('client_min_messages', 'notice', false)" }, []);
  await session.query({ name: "notices", text: "do $$ begin raise notice 'for the test'; end $$" }, []);
  expect(await session.query({ name: "lives", text: "select 1 as one" }, [])).toEqual([{ one: 1 }]);
});

describe("with a standby that commits wait for", () => {
  let url: string;
  let admin: pg.Client;

  /** A server of their own: on a shared one every other test's commits would wait for the standby too. */
  beforeAll(async () => {
    const { path: dataDirectory, remove } = createDataDirectory();
    const log = { info: () => {}, warn: () => {} };
    const server = await startEmbeddedPostgres({ dataDirectory, log, clock: systemClock });
    url = server.url;
    await withClient({ url }, (client) => migrate(client));
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query("set synchronous_commit = local");
    return async () => {
      await admin.end();
      await server.stop();
      await remove();
    };
  });

  const until = async (text: string) => {
    while ((await admin.query(text)).rows.length === 0) await systemClock.sleep(10);
  };
  const setStandby = async (name: string) => {
    await admin.query(`alter system set synchronous_standby_names = '${name}'`);
    await admin.query("select pg_reload_conf()");
    await until(`select 1 where current_setting('synchronous_standby_names') = '${name}'`);
  };

  test("an end whose wait for the standby was cancelled is not acknowledged before the standby has it", async () => {
    const store = await openStoreOn(url);
    const call = claimOf({ key: { tenant: "default", scope: "s", key: randomUUID() }, token: freshToken() });
    const claimed = await store.claim(call, NEVER);
    if (claimed.kind !== "acquired") throw new Error("not acquired");
    const finish = () => store.finish(finishOf({ key: call.key, proof: claimed.record.lease }), NEVER);

    await setStandby("nobody");
    const refused = expect(finish()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await until("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
    await refused;

    await setStandby("");
    await expect
      .poll(() => finish().then(finishWords, () => "unavailable"), { timeout: 20_000 })
      .toBe("already applied");
    await store.close();
  });

  test("what a statement saw is not told before the standby has it, where the wait of another session was cut short after it was sent", async () => {
    const database = createDatabase({ url, clock: systemClock, random: Math.random });
    const [looking, writing] = [database.lanes(1, { atOnce: 2 }), database.lanes(1)];
    await database.opened();
    const sql = (text: string) => ({ name: "", text });
    const ask = (text: string) => looking.run(0, (connection) => connection.query(sql(text), []));
    await admin.query("create table public.written (what text)");
    await admin.query("select pg_advisory_lock(1)");
    const patient = "select set_config(unnest(array['lock_timeout', 'statement_timeout']), '0', false) as is";
    await expect.poll(() => ask(patient).catch(() => []), { timeout: 20_000 }).toEqual([{ is: "0" }, { is: "0" }]);

    const unavailable = expect.objectContaining({
      status: "rejected",
      reason: expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
    });
    const sent = Promise.allSettled(["select pg_advisory_xact_lock(1)", "table public.written"].map(ask));
    await until("select 1 from pg_stat_activity where wait_event_type = 'Lock'");
    await setStandby("nobody");
    const written = writing.run(0, (connection) =>
      connection.query(sql("insert into public.written values ('x')"), []),
    );
    const lost = expect(written).rejects.toThrow();
    await until("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
    await lost;
    await admin.query("select pg_advisory_unlock(1)");
    expect(await sent).toEqual([unavailable, unavailable]);

    await setStandby("");
    await expect.poll(() => ask("table public.written").catch(() => []), { timeout: 20_000 }).toEqual([{ what: "x" }]);
    await database.close();
  });
});
