import { randomUUID } from "node:crypto";
import type { Store } from "../../src/store/store.ts";
import { claimCall, completeCall } from "../calls.ts";
import type { BenchPostgres } from "../database.ts";
import { quantiles, throughput } from "../measure.ts";
import { openPlainStore } from "../stores.ts";
import type { ReadCost } from "./cost.ts";
import { fill, warm } from "./fill.ts";
import { keyOf, timeOrderedKey } from "./keys.ts";
import { type Layout, readLayout } from "./layout.ts";

export const WIDTH = 256;
const PAIRS = 5_000;
const REPLAYS = 15_000;
/** Of one pass of the sweeper: less than a server's, for these rounds are short. */
const SWEEP_RECORDS = 500;
const NEVER = Number.POSITIVE_INFINITY;

/** In the order in which a round runs them. */
export const ARMS = ["pairs", "ordered", "replays", "sweeping"] as const;
export type GrowthArm = (typeof ARMS)[number];
/** Pairs create records; the sweeping arm deletes as many. */
const CREATING_ARMS = 3;

export interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Of all of Postgres, for each pair or replay, with the checkpoint that what was written leaves behind. */
  readonly cpuMicros: number;
  readonly walBytes: number;
}

/** A table of so many records, and what is measured on it. */
export interface GrownTable extends AsyncDisposable {
  readonly url: string;
  readonly records: number;
  /** As it was filled. */
  readonly layout: Layout;
  readonly arms: Readonly<Record<GrowthArm, () => Promise<Measured>>>;
  /** What autovacuum would do now and then; it is off, lest it come in the middle of something. */
  vacuum(): Promise<void>;
}

export interface GrownTableOptions {
  readonly records: number;
  /** How often the arms will run, the round that warms up included. */
  readonly rounds: number;
  readonly readCost: ReadCost;
}

/**
 * Makes the table. Beside its records it has as many expired ones as the rounds will delete: each round deletes as many as
 * it creates, so the table stays as large as it is.
 */
export async function growTable(postgres: BenchPostgres, options: GrownTableOptions): Promise<GrownTable> {
  const { records, rounds, readCost } = options;
  const url = await postgres.database(`growth_${records}`);
  await fill(postgres, url, [
    { from: records, to: records + rounds * CREATING_ARMS * PAIRS, expired: true },
    { from: 0, to: records, expired: false },
  ]);
  await warm(postgres, url);
  const layout = await readLayout(url);
  const opened = await openPlainStore(url);
  const { store } = opened;
  const measure = createMeasure(() => postgres.run(url, "checkpoint"), readCost);
  return {
    ...{ url, records, layout },
    arms: {
      pairs: () => measure(PAIRS, () => pair(store, randomUUID())),
      ordered: () => measure(PAIRS, () => pair(store, timeOrderedKey())),
      replays: () => measure(REPLAYS, () => replay(store, records)),
      sweeping: () => pairsWhileSweeping(store, measure),
    },
    vacuum: () => postgres.run(url, "vacuum holdfast.record"),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

type Measure = (count: number, call: () => Promise<void>) => Promise<Measured>;

/**
 * Makes `count` calls, `WIDTH` at a time. It begins right after a checkpoint, the least kind moment for random keys: of
 * each page that is written to for the first time since, the log has the whole.
 */
function createMeasure(checkpoint: () => Promise<void>, readCost: ReadCost): Measure {
  return async (count, call) => {
    await checkpoint();
    const latenciesMs: number[] = [];
    const before = await readCost();
    const perSecond = await throughput(count, WIDTH, async () => {
      const startedMs = performance.now();
      await call();
      latenciesMs.push(performance.now() - startedMs);
    });
    await checkpoint();
    const after = await readCost();
    return {
      perSecond,
      p99Ms: quantiles(latenciesMs).p99,
      cpuMicros: (after.cpuMicros - before.cpuMicros) / count,
      walBytes: (after.walBytes - before.walBytes) / count,
    };
  };
}

/** The sweeper keeps pace: what it has deleted is in proportion to what was begun. */
async function pairsWhileSweeping(store: Store, measure: Measure): Promise<Measured> {
  let begun = 0;
  const sweeping = (async () => {
    for (let deleted = 0; deleted < CREATING_ARMS * PAIRS; ) {
      if (deleted > CREATING_ARMS * begun) await new Promise((resolve) => setImmediate(resolve));
      else deleted += await forget(store);
    }
  })();
  const [measured] = await Promise.all([
    measure(PAIRS, () => {
      begun++;
      return pair(store, randomUUID());
    }),
    sweeping,
  ]);
  return measured;
}

async function pair(store: Store, key: string): Promise<void> {
  await store.finish(completeCall(await store.claim(claimCall(key), NEVER)), NEVER);
}

async function replay(store: Store, records: number): Promise<void> {
  const answer = await store.claim(claimCall(keyOf(Math.floor(Math.random() * records))), NEVER);
  if (answer.kind !== "completed") throw new Error(`a replay was answered ${answer.kind}`);
}

async function forget(store: Store): Promise<number> {
  const { forgotten } = await store.sweep(SWEEP_RECORDS);
  if (forgotten === 0) throw new Error("bug: there is nothing left to sweep");
  return forgotten;
}
