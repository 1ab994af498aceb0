import type { RecordKey } from "../../src/domain/key.ts";
import { BATCH_LIMITS, type BatchLimits } from "../../src/store/postgres/batch-limits.ts";
import { WAIT_LIMITS, type WaitLimits } from "../../src/waiting/hub.ts";
import type { Chance } from "./chance.ts";

/** What a seed's world is like, and what goes wrong in it. */
export interface Weather {
  readonly name: WeatherName;
  readonly servers: number;
  readonly people: People;
  readonly keys: readonly RecordKey[];
  /** Until nothing goes wrong any more, and nobody begins anything new. */
  readonly faultyMs: number;
  /** How long people take: a second or so times this. The shorter, the more of them meet within one statement. */
  readonly pace: number;
  /** Of leases. Where they are long, no timer finds what a wake-up should have told. */
  readonly leaseMs: readonly [min: number, max: number];
  /** How long claims wait, one of these. */
  readonly waitsMs: readonly number[];
  /** The longest that a waiter may wait after something that it is to be told of, when nothing goes wrong meanwhile. */
  readonly boundMs: number;
  readonly waiting: WaitLimits;
  readonly batches: BatchLimits;
  /** Mostly fast, now and then slow: so that one thing overtakes another, or falls in the middle of it. */
  readonly slowShare: number;
  readonly slowMs: number;
  readonly flushMsMax: number;
  readonly sweepMs: number;
  readonly faults: Faults;
}

/**
 * calm: nothing goes wrong · brief: the same, and few meet within milliseconds · deaf: listeners fall silent · lossy: what
 * callers send and are told gets lost · frozen: the database stands still · stormy: anything. Where nobody falls silent but listeners, there is no backstop:
 * whoever is not told waits for ever.
 */
export type WeatherName = "calm" | "brief" | "deaf" | "lossy" | "frozen" | "stormy";

export interface People {
  readonly workers: number;
  readonly onlookers: number;
  readonly readers: number;
  readonly reconcilers: number;
  readonly operators: number;
  /** Many that come at once. */
  readonly crowds: number;
}

/** Shares are from 0 to 1; the others are milliseconds from one to the next, about; 0: never. */
export interface Faults {
  /** Of statements: the connection breaks before it arrives, or before the answer does, or falls silent. */
  readonly cutBefore: number;
  readonly cutAfter: number;
  readonly muted: number;
  readonly notificationLost: number;
  /** Of transactions that write: others are in their way. */
  readonly contended: number;
  /** Of calls: the request or the answer is lost. */
  readonly requestLost: number;
  readonly answerLost: number;
  /** Of calls that wait: the connection is to be given up. */
  readonly retired: number;
  readonly serverCrashMs: number;
  readonly serverStallMs: number;
  readonly serverDrainMs: number;
  readonly restartMs: number;
  readonly failoverMs: number;
  /** A crash while the standby is away, and soon after it a failover. */
  readonly relapseMs: number;
  readonly freezeMs: number;
  readonly standbyAwayMs: number;
  readonly fullMs: number;
  readonly clockStepMs: number;
  readonly terminateMs: number;
  readonly deafMs: number;
  readonly callerStallMs: number;
  readonly callerDeathMs: number;
}

/** A world in which nothing goes wrong. */
export const NOTHING: Faults = {
  cutBefore: 0,
  cutAfter: 0,
  muted: 0,
  notificationLost: 0,
  contended: 0,
  requestLost: 0,
  answerLost: 0,
  retired: 0,
  serverCrashMs: 0,
  serverStallMs: 0,
  serverDrainMs: 0,
  restartMs: 0,
  failoverMs: 0,
  relapseMs: 0,
  freezeMs: 0,
  standbyAwayMs: 0,
  fullMs: 0,
  clockStepMs: 0,
  terminateMs: 0,
  deafMs: 0,
  callerStallMs: 0,
  callerDeathMs: 0,
};

/** The first two are one if somebody joins scope and key by a slash. */
const KEYS: readonly RecordKey[] = [
  { tenant: "red", scope: "a/b", key: "c" },
  { tenant: "red", scope: "a", key: "b/c" },
  { tenant: "blue", scope: "a", key: "b/c" },
  { tenant: "blue", scope: "jobs", key: "1" },
  { tenant: "red", scope: "jobs", key: "1" },
];

export const TENANTS: readonly string[] = ["red", "blue"];

/** The 50 ms after a due time, and statements that are waited for by others before they are waited for themselves. */
const STEPS_MS = 250;
/** A read that was under way, a notification, a read, a claim, a flag: each there and back, and some of it twice. */
const WAYS = 20;

/** Each as often as it is here. */
const NAMES: readonly WeatherName[] = [
  ...(["calm", "brief", "deaf", "lossy", "frozen"] as const),
  ...(["stormy", "stormy", "stormy", "stormy"] as const),
];

export const WEATHERS: readonly WeatherName[] = [...new Set(NAMES)];

/** @param wanted null: the seed decides that too */
export function weatherOf(chance: Chance, wanted: WeatherName | null): Weather {
  const name = chance.pick(wanted === null ? NAMES : [wanted]);
  const slowMs = chance.pick([5, 15, 80]);
  const isStormy = name === "stormy";
  const hasBackstop = isStormy || name === "lossy" || name === "frozen" || (name === "calm" && chance.chance(0.3));
  return {
    name,
    servers: chance.whole(2, 3),
    people: peopleOf(name, chance),
    keys: KEYS.slice(0, name === "brief" ? 1 : chance.whole(1, KEYS.length)),
    faultyMs: name === "brief" ? 2_500 : name === "deaf" ? 12_000 : chance.pick([2_000, 4_000, 6_000]),
    pace: name === "brief" ? chance.pick([0.2, 0.1, 0.05]) : chance.pick([1, 0.4, 0.15]),
    leaseMs: hasBackstop || chance.chance(0.2) ? [300, 2_000] : [8_000, 15_000],
    waitsMs: name === "deaf" || name === "brief" ? [0, 25_000, 25_000, 25_000] : [0, 400, 3_000, 10_000],
    boundMs: STEPS_MS + WAYS * slowMs + (hasBackstop ? 2_500 : 0) + (name === "deaf" ? 10_000 : 0),
    waiting: {
      ...WAIT_LIMITS,
      ...(hasBackstop ? {} : { backstopMs: Number.POSITIVE_INFINITY, pollMs: Number.POSITIVE_INFINITY }),
    },
    batches: batchesOf(chance),
    slowShare: chance.pick([0.1, 0.3]),
    slowMs,
    flushMsMax: isStormy ? chance.pick([1, 5, 60]) : chance.pick([1, 5]),
    sweepMs: 2_000,
    faults: faultsOf(name, chance),
  };
}

const NOBODY_ELSE = { readers: 0, reconcilers: 0, operators: 0, crowds: 0 };

function peopleOf(name: WeatherName, chance: Chance): People {
  if (name === "brief") {
    return { workers: chance.whole(2, 3), onlookers: chance.whole(0, 2), ...NOBODY_ELSE };
  }
  return {
    workers: chance.whole(2, 6),
    onlookers: chance.whole(1, 3),
    readers: chance.whole(0, 1),
    reconcilers: chance.whole(0, 1),
    operators: chance.chance(0.4) ? 1 : 0,
    crowds: chance.chance(0.4) ? 1 : 0,
  };
}

/** Small ones, so that batches are filled, sent ahead and refused although few call. */
function batchesOf(chance: Chance): BatchLimits {
  return {
    ...BATCH_LIMITS,
    rowsMax: chance.pick([2, 3, 256]),
    aheadRowsMin: chance.pick([1, 1, 2, 128]),
    queueCallsMax: chance.chance(0.1) ? 4 : BATCH_LIMITS.queueCallsMax,
  };
}

function faultsOf(name: WeatherName, chance: Chance): Faults {
  switch (name) {
    case "calm":
    case "brief":
      return NOTHING;
    case "deaf":
      return { ...NOTHING, deafMs: 2_000 };
    case "lossy":
      return {
        ...NOTHING,
        requestLost: 0.05,
        answerLost: 0.3,
        retired: 0.1,
        callerDeathMs: 2_000,
        serverStallMs: 3_000,
      };
    case "frozen":
      return { ...NOTHING, freezeMs: 1_000 };
    case "stormy":
      return stormOf(chance);
  }
}

/** Each fault is in it or is not: what goes wrong often hides what goes wrong seldom. */
function stormOf(chance: Chance): Faults {
  const some = (share: number, values: readonly number[]) => (chance.chance(share) ? chance.pick(values) : 0);
  return {
    cutBefore: some(0.3, [0.005, 0.03]),
    cutAfter: some(0.4, [0.005, 0.05]),
    muted: some(0.2, [0.002, 0.01]),
    notificationLost: some(0.3, [0.1, 0.5]),
    contended: some(0.2, [0.05, 0.4]),
    requestLost: some(0.3, [0.02, 0.1]),
    answerLost: some(0.4, [0.05, 0.2]),
    retired: some(0.2, [0.2]),
    serverCrashMs: some(0.35, [700, 2_000]),
    serverStallMs: some(0.25, [1_000, 3_000]),
    serverDrainMs: some(0.25, [1_500, 4_000]),
    restartMs: some(0.3, [1_200, 3_000]),
    failoverMs: some(0.25, [1_500, 4_000]),
    relapseMs: some(0.2, [1_500, 3_000]),
    freezeMs: some(0.25, [1_500, 4_000]),
    standbyAwayMs: some(0.25, [1_000, 3_000]),
    fullMs: some(0.1, [2_000]),
    clockStepMs: some(0.3, [500, 1_500]),
    terminateMs: some(0.3, [300, 1_000]),
    deafMs: some(0.3, [1_000, 3_000]),
    callerStallMs: some(0.3, [800]),
    callerDeathMs: some(0.3, [700, 2_000]),
  };
}
