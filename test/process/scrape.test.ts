import { afterAll, beforeAll, expect, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { readMetrics } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { type Caller, claimOf, connect, hold, seconds, until } from "./waiting-calls.ts";

const TENANTS = 1_000;
const WAITERS = 10_000;
/** What a server takes on one connection. */
const STREAMS = 1_000;
const BYTES_MAX = 200_000;

let database: TestDatabase;
let server: ServerProcess;
const callers: Caller[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await withClient({ url: database.url }, (client) =>
    client.query(`insert into holdfast.tenant (id) select 't-' || n from generate_series(1, ${TENANTS}) n`),
  );
  server = await startServer({ databaseUrl: database.url });
});

afterAll(async () => {
  for (const caller of callers) caller[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

function newCaller(): Caller {
  const caller = connect(server.grpc);
  callers.push(caller);
  return caller;
}

const page = async () => (await fetch(`${server.http}/metrics`)).text();
const figure = async (sample: string) => (await readMetrics(server)).get(sample) ?? Number.NaN;

test("the page stays below 200 kB with ten thousand waiters of a thousand tenants, and grows by no series", async () => {
  const idle = await page();
  const keys = Array.from({ length: TENANTS }, (_, n) => ({ ...newKey(), tenant: `t-${n + 1}` }));
  const holder = newCaller();
  await Promise.all(keys.map((key) => hold(holder, key)));
  expect(await figure("holdfast_tenants_built")).toBe(TENANTS);

  for (let joined = 0; joined < WAITERS; joined += STREAMS) {
    const watcher = newCaller();
    for (const key of keys) {
      // They end when their connection is closed.
      void Array.fromAsync(watcher.waitFor({ targets: [{ key }], timeout: seconds(600) })).catch(() => undefined);
    }
    await until(async () => (await figure('holdfast_waiters{placement="main"}')) === joined + STREAMS);
  }
  expect((await holder.claim(claimOf(keys[0] ?? newKey()))).detail.case).toBe("inProgress");

  const busy = await page();
  expect(Buffer.byteLength(busy)).toBeLessThan(BYTES_MAX);
  expect(namesIn(busy)).toEqual(namesIn(idle));
}, 120_000);

/** But of what Node tells: its sockets and collections have names that come and go. */
function namesIn(text: string): readonly string[] {
  const series = text.split("\n").filter((line) => /^(holdfast|grpc)_/.test(line));
  // The count of open records comes with the first round of the sweeper.
  return series.map((line) => line.slice(0, line.lastIndexOf(" "))).filter((name) => !/_(open|stuck)_/.test(name));
}
