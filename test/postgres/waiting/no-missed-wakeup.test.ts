import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import {
  endBetweenReadAndFlag,
  falseNotification,
  flaggedElsewhere,
  flagThenEnd,
  held,
  meetAtTheLock,
  mergedNotification,
  notifiedBeforeRead,
  PATIENCE_MS,
  type Stage,
  settledWaits,
  sql,
  type Tally,
  until,
} from "./no-missed-wakeup-rows.ts";
import { complete, missing, openServer, type Server, seesEnd } from "./no-missed-wakeup-stand.ts";

const TRIALS = 20_000;
const BATCH = 400;
/** Of each order of events, on each of two servers. */
const FORCED = 75;

let database: TestDatabase;
let other: Session;
let stages: readonly Stage[];
let servers: readonly [Server, Server];
beforeAll(async () => {
  database = await createTestDatabase();
  const { url } = database;
  other = await openSession({ url, clock: systemClock });
  servers = await Promise.all([openServer(url), openServer(url)]);
  const [a, b] = servers;
  stages = [
    { waiter: a, completer: b, other },
    { waiter: b, completer: a, other },
  ];
});
/** How many trials took each order of events. */
const counts = new Map<string, number>();
const count = (row: string, hit: number) => {
  counts.set(row, hit);
  expect(hit, row).toBeGreaterThanOrEqual(100);
};
afterAll(async () => {
  for (const [row, hit] of counts) process.stderr.write(`${String(hit).padStart(6)} × ${row}\n`);
  for (const server of servers ?? []) await server[Symbol.asyncDispose]();
  await other?.close();
  await database?.drop();
});

/** Every order of events that storage and notification allow, each forced: how often, and who missed the end. */
const ROWS: readonly (readonly [name: string, play: (stage: Stage, count: number) => Promise<Tally>])[] = [
  ["the flag commits, then the end", flagThenEnd],
  ["the end commits between the read and the flag", endBetweenReadAndFlag],
  ["the end waits for the lock of the flag", (stage, count) => meetAtTheLock(stage, "flag", count)],
  ["the flag waits for the lock of the end", (stage, count) => meetAtTheLock(stage, "end", count)],
  ["the read sees another server's flag, and the end commits right after", flaggedElsewhere],
  ["the notification comes before the read", notifiedBeforeRead],
  ["the notification tells of others too", mergedNotification],
  ["a notification came of no change", falseNotification],
];

test.each(ROWS)("without a backstop nobody misses an end when %s", async (name, play) => {
  const total = { hit: 0, missed: 0 };
  for (const stage of stages) {
    const { hit, missed } = await play(stage, FORCED);
    total.hit += hit;
    total.missed += missed;
  }
  expect(total.missed).toBe(0);
  count(name, total.hit);
});

test("in 20 000 free trials on two servers, without a backstop, nobody misses an end", async () => {
  const total = { trials: 0, missed: 0, flagged: 0 };
  // About as long as a waiter takes until its flag is set, which is for the machine to say.
  let spreadMs = 40;
  while (total.trials < TRIALS && total.missed === 0) {
    const { missed, flagged } = await freeTrials(spreadMs);
    spreadMs *= flagged < BATCH / 2 ? 1.25 : 0.8;
    total.trials += BATCH;
    total.missed += missed;
    total.flagged += flagged;
  }
  expect(total.missed).toBe(0);
  count("free trials", total.trials);
  // Both orders, or it was no race.
  for (const share of [total.flagged, total.trials - total.flagged]) expect(share).toBeGreaterThan(TRIALS / 10);
  count("free trials in which the end found the flag", total.flagged);
  count("free trials in which it came before the flag", total.trials - total.flagged);
  // Nobody was helped by a listener that came back and had all read again.
  expect(servers.map(({ listened }) => listened)).toEqual([1, 1]);
  await until(() => servers.every(({ hub }) => hub.status().waiters === 0 && hub.status().keys === 0));
}, 120_000);

/** Wait and end are released together; who waits, who ends and how long that takes is by lot. */
async function freeTrials(spreadMs: number): Promise<{ readonly missed: number; readonly flagged: number }> {
  const [a, b] = servers;
  const by = () => (Math.random() < 0.5 ? a : b);
  const trials = await held(by(), BATCH);
  let flagged = 0;
  const waits = trials.map(async ({ key, proof }, i) => {
    const [waiter, completer] = [by(), by()];
    const ending = systemClock.sleep(Math.random() * spreadMs).then(() => complete(completer.store, key, proof));
    if (i % 2 === 0) await systemClock.sleep(Math.random() * 10);
    if (i % 4 === 0) {
      const { kind } = await waiter.claim(key, "waiter");
      if (kind !== "completed") throw new Error(`bug: the claim was answered ${kind}`);
    } else await Promise.all([seesEnd(waiter, key), ...(i % 4 === 1 ? [seesEnd(by(), key)] : [])]);
    if (await ending) flagged++;
  });
  return { missed: await missing(waits, PATIENCE_MS), flagged };
}

test("a server that dies between the commit and the notification leaves nobody waiting: the backstop finds the end", async () => {
  await using waiter = await openServer(database.url, { limits: { backstopMs: 1_000 } });
  const trials = await held(waiter, 2 * FORCED);
  const ends = await settledWaits(waiter, trials);
  const flags = await Promise.all(trials.map(({ key, proof }) => complete(servers[0].dying, key, proof)));
  expect(await missing(ends, PATIENCE_MS)).toBe(0);
  count("the server dies between the commit and the notification", flags.filter((isFlagged) => isFlagged).length);
});

test("flags that were lost with their connections are set again by whoever listens again", async () => {
  await using waiter = await openServer(database.url);
  const trials = await held(waiter, 2 * FORCED);
  const ends = await settledWaits(waiter, trials);
  await sql(other, "update holdfast.record set has_waiters = false where has_waiters");
  const pids = `select pid from pg_stat_activity where datname = current_database() and query = 'listen holdfast'`;
  await sql(other, `select pg_terminate_backend(pid) from (${pids} order by backend_start desc limit 1) newest`);
  await until(() => waiter.listened === 2);
  for (const { key } of trials) {
    await until(async () => (await waiter.dying.peek(key, Infinity)).record?.hasWaiters === true);
  }
  await Promise.all(trials.map(({ key, proof }) => complete(servers[0].store, key, proof)));
  expect(await missing(ends, PATIENCE_MS)).toBe(0);
  count("the flag was lost", trials.length);
});

test("a holder who dies lets a waiter in when the lease ends", async () => {
  const trials = await held(servers[0], 2 * FORCED, 1_000);
  const claims = trials.map(({ key }, i) => servers[i % 2 === 0 ? 0 : 1].claim(key, "waiter"));
  const outcomes = await Promise.all(claims);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: "acquired", reason: "takeover" });
  count("the holder dies", outcomes.length);
});

test("without LISTEN an end is found by polling", async () => {
  await using waiter = await openServer(database.url, { listens: false, limits: { pollMs: 250 } });
  const trials = await held(waiter, 2 * FORCED);
  const ends = await settledWaits(waiter, trials);
  await Promise.all(trials.map(({ key, proof }) => complete(servers[0].store, key, proof)));
  expect(await missing(ends, PATIENCE_MS)).toBe(0);
  expect(waiter.listened).toBe(0);
  count("nobody listens", trials.length);
});
