import { afterAll, beforeAll, expect, test } from "vitest";
import { createPostgresApiKeys } from "../../src/auth/postgres/api-keys.ts";
import { systemClock } from "../../src/clock.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import type { Run } from "../../src/store/postgres/run.ts";
import { createPostgresTenantTable } from "../../src/tenants/postgres/tenant-table.ts";
import { freshApiKey } from "../support/api-key-table.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { NEVER, openStand, until } from "./placement-stand.ts";

const CHANGE = { actor: "api-key:test", reason: "" };
const SELECT = { name: "", text: "select" };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

type Client = Parameters<Parameters<typeof withClient>[1]>[0];

/** While somebody holds what every change needs. */
function whileLocked<T>(work: (client: Client) => Promise<T>): Promise<T> {
  return withClient({ url: database.url }, async (client) => {
    await client.query("begin");
    await client.query("select from holdfast.audit_head for update");
    return work(client);
  });
}

async function someoneWaits(client: Client): Promise<void> {
  await until(async () => {
    const { rowCount } = await client.query(
      "select from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0",
    );
    return rowCount === 1;
  });
}

test("changes that cannot be made hold up no look-up, no follower, and nothing that is measured", async () => {
  await using stand = await openStand({ main: database.url });
  const { run, change, follow, measure } = stand.placements.main;
  const deps = { run, change, clock: systemClock };
  const [tenants, keys] = [createPostgresTenantTable(deps), createPostgresApiKeys(deps)];
  const ended: string[] = [];
  await whileLocked(async (client) => {
    const changes = Array.from({ length: 20 }, () =>
      tenants.drain("default", true, CHANGE).finally(() => ended.push("change")),
    );
    await someoneWaits(client);
    expect((await tenants.read("default", NEVER))?.draining).toBe(false);
    expect(await tenants.find({ kind: "id", id: "default" }, NEVER)).toMatchObject({ id: "default" });
    expect(await keys.read(freshApiKey().input.id, NEVER)).toBeNull();
    for (const lend of [follow, measure]) expect(await lend((lent) => lent.query(SELECT, []))).toHaveLength(1);
    expect(ended, "all of that while they wait").toEqual([]);
    await client.query("rollback");
    await Promise.all(changes);
  });
  expect((await tenants.read("default", NEVER))?.draining).toBe(true);
});

test("when the server stops, changes that wait are refused, and the one under way alone is waited for", async () => {
  const stand = await openStand({ main: database.url });
  const { run, change } = stand.placements.main;
  const tenants = createPostgresTenantTable({ run, change, clock: systemClock });
  await whileLocked(async (client) => {
    const changes = Array.from({ length: 20 }, () => tenants.drain("default", false, CHANGE));
    const ends = Promise.allSettled(changes);
    await someoneWaits(client);
    await stand[Symbol.asyncDispose]();
    const refused = { status: "rejected", reason: { code: "STORE_UNAVAILABLE" } };
    expect(await ends).toMatchObject(changes.map(() => refused));
    await client.query("rollback");
  });
});

test.each<["run" | "change" | "measure", number]>([
  ["run", 2000],
  ["change", 256],
  ["measure", 1000],
])("%s: beyond %i that wait, one more is refused at once, and a follower never is", async (name, waitingMax) => {
  await using stand = await openStand({ main: database.url });
  const lend: Run = stand.placements.main[name];
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = lend(async () => {
    begun.resolve();
    await gate.promise;
  });
  await begun.promise;
  const order: string[] = [];
  const waiting = Array.from({ length: waitingMax }, () => lend(async () => void order.push("waiting")));
  await expect(lend(async () => undefined)).rejects.toMatchObject({ code: "OVERLOADED", retryAfterMs: 500 });
  const following = stand.placements.main.follow(async () => void order.push("follower"));
  gate.resolve();
  await Promise.all([first, following, ...waiting]);
  expect(order).toHaveLength(waitingMax + 1);
  expect(order[0], "it goes before all that wait").toBe("follower");
});

test("a session of ours that lies between two statements of a transaction is ended by the server", async () => {
  await using stand = await openStand({ main: database.url });
  const { run, change, measure } = stand.placements.main;
  const bound = { name: "", text: "select current_setting('idle_in_transaction_session_timeout') as bound" };
  for (const lend of [run, change, measure]) {
    expect(await lend((connection) => connection.query(bound, []))).toEqual([{ bound: "5s" }]);
  }
});
