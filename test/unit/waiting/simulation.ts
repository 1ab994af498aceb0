import { type Caller, createCaller } from "./simulation-callers.ts";
import { KEY } from "./simulation-history.ts";
import { createServers, type Faults, LATENCY_MS_MAX, type Mutate } from "./simulation-servers.ts";
import { createVirtualTime } from "./virtual-time.ts";

/** A world, and how long after something that a waiter is to be told of it may still wait. */
export interface Profile {
  readonly name: string;
  readonly faults: Faults;
  readonly waitMsMax: number;
  /** How long people take: some seconds times this. The shorter, the more of them meet within one call to the store. */
  readonly paces: readonly number[];
  readonly peopleMax: number;
}

const NO_FAULTS: Faults = {
  backstopMs: Number.POSITIVE_INFINITY,
  failing: 0,
  lost: 0,
  doubled: 0,
  crashing: 0,
  deaf: false,
};

/** A read that was under way, a notification, a read, a claim, a way each or two; and the 50 ms after a due time. */
const STEPS_MS = 8 * LATENCY_MS_MAX + 50;

/** Nothing fails, so nobody needs the backstop. */
export const CALM: Profile = {
  name: "calm",
  faults: NO_FAULTS,
  waitMsMax: STEPS_MS,
  paces: [0.5, 0.1, 0.03],
  peopleMax: 12,
};

/** A few people meet within milliseconds, and often nobody comes after them. */
export const BRIEF: Profile = { ...CALM, name: "brief", paces: [0.1, 0.05, 0.03], peopleMax: 3 };

/** Listeners fail and notice it late. Until then nothing is heard; afterwards the hub looks once a second at first. */
export const DEAF: Profile = {
  name: "deaf",
  faults: { ...NO_FAULTS, deaf: true, doubled: 0.1 },
  waitMsMax: 2_000 + 1_000 + 300 + STEPS_MS,
  paces: [1, 0.5],
  peopleMax: 12,
};

/** Everything fails. A failed call is tried again after 250 ms, and may fail again. */
export const STORMY: Profile = {
  name: "stormy",
  faults: { backstopMs: 1_000, failing: 0.05, lost: 0.3, doubled: 0.2, crashing: 0.2, deaf: true },
  waitMsMax: 1_200 + 4 * 250 + STEPS_MS,
  paces: [1, 0.3, 0.02],
  peopleMax: 12,
};

export interface Run {
  /** What went wrong; null if nothing did. */
  readonly fault: string | null;
  readonly waits: number;
  readonly promotions: number;
  /** Until everybody was done, in virtual time. */
  readonly ms: number;
}

/** Some work for one record, and those who wait for it, on two or three servers. The same seed is the same run. */
export async function simulate(seed: number, profile: Profile, mutate: Mutate = () => ({})): Promise<Run> {
  const time = createVirtualTime(seed);
  const world = createServers(time, time.chance(0.5) ? 2 : 3, profile.faults, mutate);
  const { history, servers } = world;
  const areOthersDone = () => everybody.slice(0, -1).every(({ isDone }) => isDone);
  const deps = { time, world, faults: profile.faults, pace: time.pick(profile.paces), areOthersDone };
  const everybody: readonly Caller[] = [
    ...Array.from({ length: 2 + Math.floor(time.random() * (profile.peopleMax - 1)) }, (_, i) => createCaller(deps, i)),
    createCaller(deps, "closer"),
  ];

  let fault: string | null = null;
  const hasGoneWrong = (): boolean => {
    for (const { waits } of everybody) {
      for (const wait of waits) {
        const actionableMs = history.actionableSinceMs(wait);
        if (actionableMs === null) continue;
        const overdueMs = time.monotonicMs() - Math.max(actionableMs, wait.sinceMs) - profile.waitMsMax;
        if (overdueMs > 0) fault ??= `waits ${overdueMs} ms too long: ${JSON.stringify(wait)}`;
      }
    }
    fault ??= history.faults[0] ?? everybody.map((caller) => caller.fault).find((each) => each !== null) ?? null;
    return fault !== null;
  };
  const areDone = () => everybody.every(({ isDone }) => isDone);

  const end = await time.run(() => hasGoneWrong() || areDone() || time.monotonicMs() > FOR_EVER_MS);
  if (end === "idle" || !areDone()) fault ??= "waits for ever";
  const ms = time.monotonicMs();
  if (fault === null) {
    const areEmpty = () => servers.every(({ hub }) => JSON.stringify(hub.status()) === EMPTY);
    const untilMs = ms + 2_000;
    await time.run(() => areEmpty() || time.monotonicMs() > untilMs);
    if (!areEmpty()) fault = `${KEY.key} is still waited for`;
  }
  return {
    fault:
      fault === null ? null : `seed ${seed}, ${profile.name}, after ${Math.round(time.monotonicMs())} ms: ${fault}`,
    waits: everybody.reduce((sum, caller) => sum + caller.waited, 0),
    promotions: everybody.reduce((sum, caller) => sum + caller.promoted, 0),
    ms,
  };
}

const FOR_EVER_MS = 600_000;

const EMPTY = JSON.stringify({ calls: 0, waiters: 0, keys: 0 });
