import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../../src/store/postgres/batch-limits.ts";
import { createDatabase, type Database } from "../../../src/store/postgres/database.ts";
import { createPostgresStore, type PostgresStore } from "../../../src/store/postgres/store.ts";
import { traceDatabase } from "../../../src/store/postgres/traced-database.ts";
import { createTracing } from "../../../src/telemetry/tracing.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { claimOf, freshToken } from "../../support/records.ts";
import { linksOf, placeOf, registerSpans, shown } from "../../support/spans.ts";

const spans = registerSpans();
const tracing = createTracing("test");
const NEVER = Number.POSITIVE_INFINITY;
let testDatabase: TestDatabase;
let database: Database;
let store: PostgresStore;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = traceDatabase(createDatabase({ url: testDatabase.url, clock: systemClock, random: Math.random }), tracing);
  store = createPostgresStore({
    ...{ database, tracing, clock: systemClock, observer: silentObserver, limits: BATCH_LIMITS, newToken: freshToken },
    asOf: () => null,
  });
  await database.opened();
  // The durability barrier comes before the first answer.
  while (!(await isAnswered())) await systemClock.sleep(5);
});

afterEach(() => spans.forget());
afterAll(async () => {
  await store.close();
  await database.close();
  await testDatabase.drop();
});

let keys = 0;
const newKey = () => ({ tenant: "default", scope: "tracing", key: `key ${keys++}` });
const claimCall = () => claimOf({ key: newKey(), token: freshToken() });

const isAnswered = () =>
  store.peek(newKey(), NEVER).then(
    () => true,
    () => false,
  );

/** A call of the server, in whose name the work goes on. */
async function asCall<T>(name: string, work: () => Promise<T>): Promise<T> {
  const call = tracing.rpc(name)({ metadata: () => undefined, transport: "grpc" });
  try {
    return await call.run(work);
  } finally {
    call.end("OK", null);
  }
}
const parentOf = (name: string) => spans.one(name).parentSpanContext?.spanId;
const spanIdOf = (name: string) => spans.one(name).spanContext().spanId;

test("a lonely call has its batch and statement below it", async () => {
  await asCall("Claim", () => store.claim(claimCall(), NEVER));
  expect(parentOf("holdfast.batch claim")).toBe(spanIdOf("Claim"));
  expect(parentOf("holdfast claim")).toBe(spanIdOf("holdfast.batch claim"));
  expect(shown(spans.one("holdfast.batch claim"))).toMatchObject({
    attributes: { "holdfast.batch.rows": 1, "holdfast.batch.traced": 1 },
  });
});

test("calls that travel together find their batch, and the batch finds them", async () => {
  await Promise.all(Array.from({ length: 40 }, (_, i) => asCall(`Claim ${i}`, () => store.claim(claimCall(), NEVER))));
  const batches = spans.named("holdfast.batch claim");
  const calls = spans.all().filter(({ name }) => /^Claim \d+$/.test(name));
  expect(calls).toHaveLength(40);
  expect(batches.reduce((rows, { attributes }) => rows + Number(attributes["holdfast.batch.traced"]), 0)).toBe(40);
  for (const batch of batches) {
    const parent = calls.find((call) => call.spanContext().spanId === batch.parentSpanContext?.spanId);
    const linked = calls.filter((call) => linksOf(call).includes(placeOf(batch)));
    expect(parent).toBeDefined();
    expect(linksOf(batch).toSorted()).toEqual(linked.map(placeOf).toSorted());
  }
});

test("a call without a trace has no batch of its own, also behind one that had", async () => {
  await asCall("Claim", () => store.claim(claimCall(), NEVER));
  spans.forget();
  await store.claim(claimCall(), NEVER);
  await Promise.all([store.claim(claimCall(), NEVER), store.claim(claimCall(), NEVER)]);
  expect(spans.all()).toEqual([]);
});

test("a statement beside the batches is below the call that it is for, also when it waits behind another's", async () => {
  const lane = database.lanes(1);
  const now = { name: "now", text: "select clock_timestamp() as now" };
  const ask = () => lane.run(0, (connection) => connection.query(now, []));
  await Promise.all([asCall("One", ask), asCall("Other", ask), ask()]);
  expect(spans.named("holdfast now").map((span) => span.parentSpanContext?.spanId)).toEqual([
    ...[spanIdOf("One"), spanIdOf("Other")],
  ]);
  await lane.close();
});

test("a statement that fails says its SQLSTATE, and not what Postgres says of it", async () => {
  const lane = database.lanes(1);
  const bad = { name: "bad", text: "select ($1::text)::integer" };
  const ask = () => lane.run(0, (connection) => connection.query(bad, ["c4n4ry"]));
  await expect(asCall("Claim", ask)).rejects.toThrow("c4n4ry");
  const span = spans.one("holdfast bad");
  expect(shown(span)).toMatchObject({
    ...{ kind: "CLIENT", status: "ERROR", message: undefined, events: [] },
    attributes: { "db.response.status_code": "22P02", "error.type": "22P02", "db.operation.name": "bad" },
  });
  expect(JSON.stringify(span.attributes)).not.toContain("c4n4ry");
  await lane.close();
});
