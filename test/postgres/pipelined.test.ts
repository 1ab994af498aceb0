import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { silentObserver } from "../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../src/store/postgres/batch-limits.ts";
import { createBatcher } from "../../src/store/postgres/batcher.ts";
import { openSession, type Session } from "../../src/store/postgres/connection.ts";
import { createDatabase } from "../../src/store/postgres/database.ts";
import { ConnectionLost } from "../../src/store/postgres/errors.ts";
import { noTracing } from "../../src/telemetry/tracing.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let session: Session;
let other: Session;
beforeAll(async () => {
  database = await createTestDatabase();
  const open = (pipelined: boolean) => openSession({ url: database.ownerUrl, clock: systemClock, pipelined });
  [session, other] = await Promise.all([open(true), open(false)]);
  await other.query(sql("create table public.noted (what text primary key)"), []);
});
afterAll(async () => {
  await Promise.all([session, other].map((each) => each?.close()));
  await database?.drop();
});

const sql = (text: string, name = "") => ({ name, text });
const note = sql("insert into public.noted (what) values ($1::text) returning txid_current()::text as id", "test_note");
const noteOnce = sql("insert into public.noted (what) values ($1::text) on conflict do nothing", "test_note_once");
const noted = async () =>
  (await other.query<{ what: string }>(sql("table public.noted order by what"), [])).map(({ what }) => what);

test("statements that are sent one after the other before an answer are each a transaction of their own", async () => {
  const answers = await Promise.all(["a", "b", "c"].map((what) => session.query<{ id: string }>(note, [what])));
  expect(new Set(answers.flat().map(({ id }) => id)).size).toBe(3);
  expect(await noted()).toEqual(["a", "b", "c"]);
});

test("one that fails undoes nothing of those before it, and those after it are run", async () => {
  const settled = await Promise.allSettled(["d", "d", "e"].map((what) => session.query(note, [what])));
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(settled[1]).toMatchObject({ reason: { code: "23505" } });
  expect(await noted()).toEqual(["a", "b", "c", "d", "e"]);
});

test("the first of a name prepares it for those behind it, and the next may, where it fails", async () => {
  const broken = sql("select $1::int / 0 as broken", "test_broken");
  const settled = await Promise.allSettled([1, 2].map((value) => session.query(broken, [value])));
  for (const result of settled) expect(result).toMatchObject({ reason: { code: "22012" } });
  const fresh = sql("select $1::int as same", "test_fresh");
  const answers = await Promise.all([1, 2, 3].map((value) => session.query<{ same: number }>(fresh, [value])));
  expect(answers.flat().map(({ same }) => same)).toEqual([1, 2, 3]);
});

test("one whose name is not prepared, for that failed in the one before it, goes again on a session that knows none", async () => {
  const store = createDatabase({ url: database.ownerUrl, clock: systemClock, random: Math.random });
  const retried: string[] = [];
  let unlocked: Promise<unknown> | null = null;
  const lanes = store.lanes(1, { atOnce: 2 });
  const batcher = createBatcher<string, string>({
    name: "note",
    lanes,
    clock: systemClock,
    tracing: noTracing,
    observer: {
      ...silentObserver,
      retried(_, cause) {
        retried.push(cause);
        if (cause === "26000") unlocked ??= other.query(sql("rollback"), []);
      },
    },
    limits: { ...BATCH_LIMITS, rowsMax: 1, aheadRowsMin: 1 },
    keyOf: (key) => ({ tenant: "t", scope: "s", key }),
    bytesOf: () => 1,
    async run(connection, calls) {
      await connection.query(noteOnce, calls);
      return calls;
    },
  });
  await lanes.run(0, (connection) => connection.query(sql("set lock_timeout to '20ms'"), []));
  await other.query(sql("begin"), []);
  await other.query(sql("lock table public.noted"), []);
  expect(await Promise.all(["f", "g"].map((what) => batcher.submit(what, Infinity)))).toEqual(["f", "g"]);
  await unlocked;
  expect(retried).toEqual(expect.arrayContaining(["55P03", "26000"]));
  expect(await noted()).toEqual(expect.arrayContaining(["f", "g"]));
  await batcher.close();
  await store.close();
});

test("all that are under way are told when the session is lost", async () => {
  const lost = await openSession({ url: database.ownerUrl, clock: systemClock, pipelined: true });
  const [row] = await lost.query<{ pid: number }>(sql("select pg_backend_pid() as pid"), []);
  const waiting = [1, 2].map(() => lost.query(sql("select pg_sleep(60)"), []));
  const told = Promise.allSettled(waiting);
  await other.query(sql("select pg_terminate_backend($1::int)"), [row?.pid]);
  for (const result of await told) expect(result.status === "rejected" && result.reason).toBeInstanceOf(Error);
  expect(await lost.over).toBeInstanceOf(Error);
  await expect(lost.query(sql("select 1"), [])).rejects.toBeInstanceOf(ConnectionLost);
});
