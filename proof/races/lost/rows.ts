import { systemClock } from "../../../src/clock.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { openSession } from "../../../src/store/postgres/connection.ts";
import { claimIdOf } from "../../../test/support/records.ts";
import type { Scene } from "../race.ts";
import { complete, missing, settledWaits } from "../stand/onlookers.ts";
import { holdAll, NEVER } from "../stand/records.ts";
import { run, until, within } from "../stand/rows.ts";
import { openServer, type Server } from "../stand/server.ts";
import { completeAndBeKilled } from "./completer-process.ts";

/** Something breaks, so that a wake-up that was due does not come. */
export interface Row {
  readonly name: string;
  /** How often it came about. */
  play(scene: Scene, count: number): Promise<number>;
}

export const ROWS: readonly Row[] = [
  { name: "the completer is killed between the commit and the NOTIFY", play: killed },
  { name: "the completer's connection is cut between the commit and the NOTIFY", play: cut },
  { name: "the flag is lost with the connections, and set again by who listens again", play: flagLost },
  { name: "the holder dies, and the end of its lease lets a waiter in", play: holderDies },
  { name: "nobody can listen, and the end is found by polling", play: deaf },
];

const BACKSTOP = { backstopMs: 1_000 } as const;
const POLL = { pollMs: 250 } as const;

async function killed(scene: Scene, count: number): Promise<number> {
  await using waiter = await openServer(scene.url, { mutation: scene.mutation, limits: BACKSTOP });
  const records = await holdAll(waiter.dying, count);
  const ends = await settledWaits(waiter, records);
  await completeAndBeKilled(scene.url, records);
  await found(scene, ends, "after the completer was killed");
  return flaggedOf(waiter, records);
}

async function cut(scene: Scene, count: number): Promise<number> {
  const { url, mutation } = scene;
  await using waiter = await openServer(url, { mutation, limits: BACKSTOP });
  let dropped = 0;
  const session = await openSession({ url, clock: systemClock });
  await using completer = await openServer(url, {
    ...{ mutation, listens: false },
    observer: {
      notificationsDropped(ids) {
        dropped += ids;
      },
    },
    notifyOn(work) {
      session.drop(new Error("cut"));
      return work(session);
    },
  });
  const records = await holdAll(waiter.dying, count);
  const ends = await settledWaits(waiter, records);
  await Promise.all(records.map((record) => complete(completer.store, record)));
  await found(scene, ends, "after the completer's connection was cut");
  return dropped;
}

/** Those that the completer has found flagged, and would have told of. */
async function flaggedOf({ dying }: Server, records: readonly StoredRecord[]): Promise<number> {
  const read = await Promise.all(records.map(({ key }) => dying.peek(key, NEVER)));
  return read.filter(({ record }) => record?.state === "completed" && record.hasWaiters).length;
}

async function flagLost(scene: Scene, count: number): Promise<number> {
  const { url, mutation, patienceMs, tally } = scene;
  const other = await openSession({ url, clock: systemClock });
  await using waiter = await openServer(url, { mutation });
  await using completer = await openServer(url, { mutation });
  const records = await holdAll(waiter.dying, count);
  const ends = await settledWaits(waiter, records);
  const names = records.map(({ key }) => `'${key.key}'`).join();
  await run(other, `update holdfast.record set has_waiters = false where key in (${names})`);
  const listening = "from pg_stat_activity where datname = current_database() and query = 'listen holdfast'";
  await run(other, `select pg_terminate_backend(pid) ${listening}`);
  await other.close();
  const isBack = until(async () => waiter.listened === 2 && (await flaggedAgain(waiter, records)) === count);
  if (!(await within(patienceMs, isBack))) {
    tally.violate(`flags that were lost were not set again within ${patienceMs} ms`);
    return 0;
  }
  await Promise.all(records.map((record) => complete(completer.store, record)));
  await found(scene, ends, "after the flag was lost", null);
  return count;
}

async function flaggedAgain({ dying }: Server, records: readonly StoredRecord[]): Promise<number> {
  const read = await Promise.all(records.map(({ key }) => dying.peek(key, NEVER)));
  return read.filter(({ record }) => record?.hasWaiters === true).length;
}

const DYING_LEASE_MS = 1_000;

async function holderDies(scene: Scene, count: number): Promise<number> {
  const { url, mutation, patienceMs, tally } = scene;
  await using a = await openServer(url, { mutation });
  await using b = await openServer(url, { mutation });
  const records = await holdAll(a.dying, count, { leaseMs: DYING_LEASE_MS });
  let takenOver = 0;
  const claims = records.map(async ({ key }, i) => {
    const told = await (i % 2 === 0 ? a : b).claim(key, claimIdOf("waiter"));
    if (told.kind === "acquired" && told.reason === "takeover") takenOver++;
    else tally.violate(`${key.key}: a claim that waited for the end of a lease was told ${told.kind}`);
  });
  const missed = await missing(claims, DYING_LEASE_MS + patienceMs);
  for (let i = 0; i < missed; i++) tally.violate("a claim waits although the lease that it waited for is over");
  return takenOver;
}

async function deaf(scene: Scene, count: number): Promise<number> {
  const { url, mutation } = scene;
  await using waiter = await openServer(url, { mutation, listens: false, limits: POLL });
  await using completer = await openServer(url, { mutation });
  const records = await holdAll(waiter.dying, count);
  const ends = await settledWaits(waiter, records);
  await Promise.all(records.map((record) => complete(completer.store, record)));
  await found(scene, ends, "although nobody listens", null);
  return waiter.listened === 0 ? count : 0;
}

/** @param figure what the longest took is told as; null: by what wakes it there is no bound of its own */
async function found(
  { tally, patienceMs, boundMs }: Scene,
  ends: readonly Promise<number>[],
  when: string,
  figure: string | null = "longest way from an end to who waited for it, in ms",
): Promise<void> {
  const missed = await missing(ends, patienceMs);
  for (let i = 0; i < missed; i++) tally.violate(`a wait did not end within ${patienceMs} ms, ${when}`);
  if (missed > 0 || figure === null) return;
  const took = await Promise.all(ends);
  const longestMs = Math.round(Math.max(...took));
  tally.figure(figure, Math.max(longestMs, tally.figures[figure] ?? 0));
  for (const ms of took) if (ms > boundMs) tally.violate(`a wait ended after ${Math.round(ms)} ms, ${when}`);
}
