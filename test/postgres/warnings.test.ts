import { randomUUID } from "node:crypto";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { startEmbeddedPostgres } from "../../src/server/embedded-postgres.ts";
import { type DatabaseAddress, openSession, withClient } from "../../src/store/postgres/connection.ts";
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

/** A server of the test's own: on a shared one every other test's commits would wait for the standby too. */
async function startServer(): Promise<string> {
  const { path: dataDirectory, remove } = createDataDirectory();
  const log = { info: () => {}, warn: () => {} };
  const server = await startEmbeddedPostgres({ dataDirectory, log, clock: systemClock });
  onTestFinished(async () => {
    await server.stop();
    await remove();
  });
  await withClient({ url: server.url }, (client) => migrate(client));
  return server.url;
}

test("an end whose wait for the standby was cancelled is not acknowledged before the standby has it", async () => {
  const url = await startServer();
  const store = await openStoreOn(url);
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const until = async (text: string) => {
    while ((await admin.query(text)).rows.length === 0) await systemClock.sleep(10);
  };
  const call = claimOf({ key: { tenant: "default", scope: "s", key: randomUUID() }, token: freshToken() });
  const claimed = await store.claim(call, NEVER);
  if (claimed.kind !== "acquired") throw new Error("not acquired");
  const finish = () => store.finish(finishOf({ key: call.key, proof: claimed.record.lease }), NEVER);

  await admin.query("set synchronous_commit = local");
  await admin.query("alter system set synchronous_standby_names = 'nobody'");
  await admin.query("select pg_reload_conf()");
  await until("select 1 where current_setting('synchronous_standby_names') = 'nobody'");
  const refused = expect(finish()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await until("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
  await refused;

  await admin.query("alter system reset synchronous_standby_names");
  await admin.query("select pg_reload_conf()");
  await expect.poll(() => finish().then(finishWords, () => "unavailable"), { timeout: 20_000 }).toBe("already applied");
  await admin.end();
  await store.close();
});
