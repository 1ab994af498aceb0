import type { EndKind } from "../../src/domain/calls.ts";
import type { Policy } from "../../src/domain/record.ts";
import type { Budget, Scenario } from "./explore/world.ts";
import type { MutantName } from "./mutants.ts";

export type Size = "small" | "full";

/** What an exploration of it must visit: another count is another model. */
export interface Sized {
  readonly scenario: Scenario;
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
}

/** In ticks of the model's clock: long enough for nothing to end by time, unless said otherwise. */
const POLICY: Policy = {
  ...{ hold: false, maxAttempts: 0, maxExecutionMs: null, resultRetentionMs: 20, tombstoneRetentionMs: 10 },
};
const QUIET: Budget = { ticks: 0, losses: 0, crashes: 0, beats: 0 };
const ONE_TICK: Budget = { ...QUIET, ticks: 1 };
const TWO = ["execute", "execute"] as const;
const THREE = ["execute", "execute", "execute"] as const;
const RELEASES: readonly EndKind[] = ["complete", "retryable"];

const PLAIN = {
  ...{ servers: 2, keys: 2, intents: THREE, ends: ["complete"], policy: POLICY, waits: false, sweeps: false },
  ...{ backstop: false, notesGetLost: false, budget: ONE_TICK },
} as const satisfies Partial<Scenario>;

const claims: Scenario = {
  ...{ ...PLAIN, name: "claims", about: "three clients claim, take over, end in time and late, and try again" },
  ends: RELEASES,
};
const retries: Scenario = {
  ...{ ...PLAIN, name: "retries", about: "answers get lost, and the same call is made again on any server" },
  ...{ intents: TWO, budget: { ...ONE_TICK, losses: 1 } },
};
const waits: Scenario = {
  ...{ ...PLAIN, name: "waits", about: "claims wait; nothing is lost, and there is no backstop" },
  ...{ ends: RELEASES, waits: true, budget: QUIET },
};
const ghosts: Scenario = {
  ...{
    ...PLAIN,
    name: "ghosts",
    about: "those who wait vanish, are promoted all the same, and their leases given back",
  },
  ...{ intents: TWO, waits: true, budget: { ...ONE_TICK, losses: 1 } },
};
const crashes: Scenario = {
  ...{
    ...PLAIN,
    name: "crashes",
    about: "servers die at any point and notifications get lost, and there is the backstop",
  },
  ...{ intents: TWO, waits: true, backstop: true, notesGetLost: true, budget: { ...ONE_TICK, crashes: 1 } },
};
const unknown: Scenario = {
  ...{
    ...PLAIN,
    name: "unknown",
    about: "HOLD: unknown outcomes, a reconciler, and the suspect that still ends the record",
  },
  ...{ intents: ["execute", "execute", "reconcile"], ends: ["complete", "outcome-unknown", "not-started"] },
  policy: { ...POLICY, hold: true },
};
const forgets: Scenario = {
  ...{
    ...PLAIN,
    name: "forgets",
    about: "results expire, tombstones too, the sweeper deletes, and keys are claimed anew",
  },
  ...{ intents: TWO, sweeps: true, policy: { ...POLICY, resultRetentionMs: 1, tombstoneRetentionMs: 0 } },
  budget: { ...QUIET, ticks: 2 },
};
const exhausts: Scenario = {
  ...{ ...PLAIN, name: "exhausts", about: "the only attempt is used up while others wait" },
  ...{ intents: TWO, ends: RELEASES, waits: true, policy: { ...POLICY, maxAttempts: 1 } },
};

export const SCENARIOS: Readonly<Record<Size, readonly Sized[]>> = {
  small: [
    { scenario: claims, states: 46_821, steps: 153_542, depth: 24 },
    { scenario: retries, states: 19_737, steps: 61_011, depth: 19 },
    { scenario: waits, states: 71_497, steps: 256_395, depth: 37 },
    { scenario: ghosts, states: 163_187, steps: 597_674, depth: 38 },
    { scenario: crashes, states: 26_080, steps: 82_297, depth: 28 },
    { scenario: unknown, states: 51_013, steps: 162_705, depth: 24 },
    { scenario: forgets, states: 2416, steps: 5879, depth: 18 },
    { scenario: exhausts, states: 2633, steps: 6066, depth: 22 },
  ],
  full: [
    { scenario: { ...claims, budget: { ...ONE_TICK, beats: 1 } }, states: 95_302, steps: 319_927, depth: 25 },
    { scenario: { ...retries, intents: THREE }, states: 426_874, steps: 1_758_960, depth: 26 },
    { scenario: { ...waits, ends: ["complete"], budget: ONE_TICK }, states: 93_580, steps: 346_215, depth: 32 },
    {
      scenario: { ...ghosts, intents: THREE, budget: { ...QUIET, losses: 1 } },
      states: 403_270,
      steps: 1_513_190,
      depth: 29,
    },
    {
      scenario: { ...crashes, intents: THREE, budget: { ...QUIET, crashes: 1 } },
      states: 229_578,
      steps: 799_687,
      depth: 32,
    },
    {
      scenario: { ...unknown, waits: true, budget: { ...QUIET, ticks: 2 } },
      states: 636_014,
      steps: 2_437_317,
      depth: 35,
    },
    { scenario: { ...forgets, intents: THREE }, states: 78_921, steps: 262_172, depth: 26 },
    { scenario: { ...exhausts, intents: THREE }, states: 130_178, steps: 423_244, depth: 29 },
  ],
};

/** In which each mutant shows. */
export const KILLING: Readonly<Record<MutantName, Scenario>> = {
  ...{ M3: claims, M4: claims, M5: waits, M6: waits, M7: waits, M14: claims, M15: forgets, M16: retries },
  ...{ "no-compare": claims, "no-floor": forgets, "no-backstop": crashes, "no-timer": ghosts, "no-guard": ghosts },
};
