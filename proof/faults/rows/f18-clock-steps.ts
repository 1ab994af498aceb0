import { setTimeout as pause } from "node:timers/promises";
import { FailKind, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { millis } from "../../history/load/wire.ts";
import { claimOf, completeOf, handleIn, handleOf, type Key, LONG, openCallers, resultIn } from "../calls.ts";
import { metricOf, until } from "../crowd.ts";
import type { Row } from "../row.ts";
import { shimOf } from "../shim/of-stand.ts";
import type { StandServer } from "../stand/stand.ts";
import { extendLeases } from "../witness/extended.ts";
import { persist } from "../witness/persist.ts";

const HOUR_MS = 3_600_000;
/** A sweeper leaves a pass out when the clock has jumped since the one before, and so erases nothing while it is ahead. */
const SWEEP_INTERVAL = "20s";
const AHEAD_MS = { short: 1_500, full: 4_000 };
const KEYS = 12;
const LEASE_MS = 20_000;
const BEAT_MS = 300;
/** The least that a claim may ask for: longer than a round takes, a sweeper's interval in it, and shorter than the step. */
const RETENTION_MS = 60_000;

/**
 * The database's clock is set an hour ahead and an hour back again. Leases that it has left behind are over, and whoever
 * held them is refused once somebody else has taken over; those that are extended all along are never taken away.
 */
export const clockSteps: Row = {
  id: "F18",
  fault: "the database's clock steps an hour ahead, and an hour back",
  stand: { shim: true, serverArgs: ["--sweep-interval", SWEEP_INTERVAL] },
  times: { short: null, full: 10 },
  async inject({ stand, recorder, times, isFull, scope, figure, say }) {
    const shim = shimOf(stand);
    const aheadMs = isFull ? AHEAD_MS.full : AHEAD_MS.short;
    using callers = openCallers(recorder, "f18");
    const rpcs = stand.servers.map((server) => callers.open(server));
    // No sweeper makes two passes while the clock is ahead, so none erases anything by it.
    const mark = { mark: "clock-step", unswept: true } as const;
    const step = (ms: number) => recorder.during(mark, async () => shim.shiftClock(ms));
    const steps = () => metricOf(stand.servers, "holdfast_clock_steps_total");
    const stepsBefore = await steps();
    const told: Told = { left: 0, takenOver: 0, completes: 0, twice: 0, otherwise: 0, sunken: 0, given: 0, taken: 0 };
    const kept = { asked: 0, replayed: 0 };
    const held = Array.from({ length: KEYS }, (_, i) => ({ scope: `${scope}-held`, key: String(i) }));
    const holders = await extendLeases(rpcs, held, { leaseMs: LEASE_MS, everyMs: BEAT_MS });
    for (let round = 1; round <= times; round++) {
      const left = await each(async (i): Promise<Left> => {
        const scene = { key: { scope: `${scope}-left`, key: `${round}-${i}` }, rpcs: turned(rpcs, i) };
        return { ...scene, handle: await take(scene) };
      });
      const released = await each(async (i): Promise<Released> => {
        const scene = { key: { scope: `${scope}-released`, key: `${round}-${i}` }, rpcs: turned(rpcs, i) };
        return { ...scene, fence: await giveBack(scene, await take(scene)) };
      });
      const done = await each(async (i): Promise<Done> => {
        const scene = { key: { scope: `${scope}-done`, key: `${round}-${i}` }, rpcs: turned(rpcs, i) };
        return { ...scene, text: await finish(scene) };
      });
      await step(HOUR_MS);
      await Promise.all(left.map((one) => contend(one, told)));
      await Promise.all(released.map((one) => takeAgain(one, told)));
      await holders.contend();
      await pause(aheadMs);
      // The first pass of any, so none makes a second one; the last round of many is kept waiting for it.
      if (isFull && round === times) await until(async () => (await steps()) > stepsBefore, "a sweeper sees a step");
      await step(0);
      await Promise.all(released.map((one) => takeAgain(one, told)));
      await Promise.all(done.map((one) => replay(one, kept)));
      await holders.contend();
      await pause(aheadMs);
      say(`clock ahead and back ${round} of ${times} times`);
      // With one pass in this time ahead and the next in the following one, it would seem that nothing had jumped.
      if (round < times) await untilSwept(stand.servers);
    }
    const { beats, lost, contended } = await holders.stop();
    const all = (value: number) => ({ value, unit: "%", must: { atLeast: 100 } });
    const none = (value: number) => ({ value, unit: "", must: { atMost: 0 } });
    figure({ name: "steps of the clock", value: 2 * times, unit: "" });
    figure({ name: "leases taken over that the clock had left behind", ...all((100 * told.takenOver) / told.left) });
    figure({ name: "ends accepted of those", value: told.completes, unit: "", must: { atLeast: told.takenOver } });
    figure({ name: "records with two accepted ends", ...none(told.twice) });
    figure({ name: "ends that were replayed otherwise", ...none(told.otherwise) });
    figure({ name: "fences that did not rise", ...none(told.sunken) });
    // Told, not judged: docs/guarantees.md says that a step back delays what is due, and `due` is when they were released.
    figure({ name: "released records that could be had at once", value: (100 * told.taken) / told.given, unit: "%" });
    figure({ name: "heartbeats of live leases", value: beats, unit: "", must: { atLeast: KEYS * times } });
    const asked = 2 * KEYS * times;
    figure({ name: "asked for meanwhile, and refused", value: contended.refused, unit: "", must: { atLeast: asked } });
    figure({ name: "given to somebody else before their end", ...none(contended.taken) });
    figure({ name: "live leases lost", ...none(lost) });
    figure({
      name: "results from before a step that are replayed after it",
      ...all((100 * kept.replayed) / kept.asked),
    });
    const seen = { name: "steps that sweepers saw", value: (await steps()) - stepsBefore, unit: "" };
    figure(isFull ? { ...seen, must: { atLeast: 1 } } : seen);
  },
  control: { kind: "mutant", mutant: "M2", fails: /leases taken over/ },
};

/** By each of them, with the clock as it is now. */
async function untilSwept(servers: readonly StandServer[]): Promise<void> {
  const passes = () => Promise.all(servers.map((server) => server.metric("holdfast_sweep_seconds_count")));
  const before = await passes();
  await until(async () => (await passes()).every((count, i) => count > (before[i] ?? 0)), "every server sweeps");
}

/** A result that is over by the clock that is ahead. */
interface Done extends Scene {
  readonly text: string;
}

const FLEETING = { resultRetention: millis(RETENTION_MS), tombstoneRetention: millis(RETENTION_MS) };

async function finish(scene: Scene): Promise<string> {
  const claim = { ...claimOf(scene.key, { leaseMs: LEASE_MS }), policy: FLEETING };
  const handle = handleOf(await persist(() => at(scene, 0).claim(claim, LONG)));
  const text = `done by ${handle.fence}`;
  await persist(() => at(scene, 1).complete(completeOf(handle, text), LONG));
  return text;
}

async function replay(scene: Done, kept: { asked: number; replayed: number }): Promise<void> {
  kept.asked++;
  const claim = { ...claimOf(scene.key, { leaseMs: LEASE_MS }), policy: FLEETING };
  if (resultIn(await persist(() => at(scene, 2).claim(claim, LONG))) === scene.text) kept.replayed++;
}

interface Told {
  left: number;
  takenOver: number;
  completes: number;
  twice: number;
  otherwise: number;
  sunken: number;
  given: number;
  taken: number;
}

interface Scene {
  readonly key: Key;
  /** Each call is of another server. */
  readonly rpcs: readonly Rpc[];
}

/** Its holder has gone to sleep. */
interface Left extends Scene {
  readonly handle: LeaseHandle;
}

interface Released extends Scene {
  /** The last that was given for it. */
  fence: bigint;
}

function at({ rpcs }: Scene, turn: number): Rpc {
  return rpcs[turn % rpcs.length] as Rpc;
}

function turned<Item>(items: readonly Item[], by: number): readonly Item[] {
  return items.map((_, i) => items[(i + by) % items.length] as Item);
}

async function each<T>(act: (i: number) => Promise<T>): Promise<readonly T[]> {
  return await Promise.all(Array.from({ length: KEYS }, (_, i) => act(i)));
}

async function take(scene: Scene): Promise<LeaseHandle> {
  const claim = claimOf(scene.key, { leaseMs: LEASE_MS });
  return handleOf(await persist(() => at(scene, 0).claim(claim, LONG)));
}

async function giveBack(scene: Scene, handle: LeaseHandle): Promise<bigint> {
  await persist(() => at(scene, 1).fail({ handle, kind: FailKind.NOT_STARTED }, LONG));
  return handle.fence;
}

/** Somebody takes over, the sleeper wakes up, and both say that they are done, the sleeper twice. */
async function contend(scene: Left, told: Told): Promise<void> {
  told.left++;
  const { key, handle } = scene;
  const claim = claimOf(key, { leaseMs: LEASE_MS });
  const heir = handleIn(await persist(() => at(scene, 1).claim(claim, LONG)));
  if (heir === null) return;
  told.takenOver++;
  if (heir.fence <= handle.fence) told.sunken++;
  const end = async (turn: number, of: LeaseHandle, text: string): Promise<string | null> => {
    try {
      await at(scene, turn).complete(completeOf(of, text), LONG);
      return text;
    } catch {
      return null;
    }
  };
  const ends = [end(2, handle, "sleeper's"), end(0, heir, "heir's"), end(1, handle, "sleeper's, again")];
  const accepted = (await Promise.all(ends)).filter((text) => text !== null);
  told.completes += accepted.length;
  if (accepted.length > 1) told.twice++;
  const replayed = resultIn(await persist(() => at(scene, 2).claim(claimOf(key), LONG)));
  if (replayed !== accepted[0]) told.otherwise++;
}

/** Nobody holds it, and no delay was asked for. */
async function takeAgain(scene: Released, told: Told): Promise<void> {
  told.given++;
  const claim = claimOf(scene.key, { leaseMs: LEASE_MS });
  const handle = handleIn(await persist(() => at(scene, 2).claim(claim, LONG)));
  if (handle === null) return;
  told.taken++;
  if (handle.fence <= scene.fence) told.sunken++;
  scene.fence = await giveBack(scene, handle);
}
