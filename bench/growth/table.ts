import { randomUUID } from "node:crypto";
import type { Store } from "../../src/store/store.ts";
import { claimCall, completeCall } from "../calls.ts";
import type { BenchPostgres } from "../database.ts";
import { quantiles, throughput } from "../measure.ts";
import { openPlainStore } from "../stores.ts";
import type { ReadCost } from "./cost.ts";
import { addExpired, fill, remove, warm } from "./fill.ts";
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
}

export interface GrownTableOptions {
  readonly records: number;
  readonly readCost: ReadCost;
}

/**
 * Makes the table. Every measurement begins with so many records: what it has created is taken out when it is over, and what
 * autovacuum would do now and then is done, which is off lest it come in the middle of something. The expired ones that the
 * sweeper deletes are put in right before it does, and are on top.
 */
export async function growTable(postgres: BenchPostgres, options: GrownTableOptions): Promise<GrownTable> {
  const { records, readCost } = options;
  const url = await postgres.databaseWithoutAutovacuum(`growth_${records}`);
  await fill(postgres, url, records);
  await warm(postgres, url);
  const layout = await readLayout(url);
  const opened = await openPlainStore(url);
  const { store } = opened;
  const measure = createMeasure(() => postgres.run(url, "checkpoint"), readCost);
  const thenRemoved =
    (newKey: () => string, run: (pairOfNew: () => Promise<void>) => Promise<Measured>) => async () => {
      const created: string[] = [];
      const measured = await run(() => {
        const key = newKey();
        created.push(key);
        return pair(store, key);
      });
      await remove(url, created);
      await postgres.run(url, "vacuum holdfast.record");
      return measured;
    };
  let expired = records;
  const sweeping = thenRemoved(randomUUID, (once) =>
    whileSweeping(store, (begun) => measure(PAIRS, () => begun(once))),
  );
  return {
    ...{ url, records, layout },
    arms: {
      pairs: thenRemoved(randomUUID, (once) => measure(PAIRS, once)),
      ordered: thenRemoved(timeOrderedKey, (once) => measure(PAIRS, once)),
      replays: () => measure(REPLAYS, () => replay(store, records)),
      async sweeping() {
        await addExpired(postgres, url, expired, PAIRS);
        expired += PAIRS;
        return sweeping();
      },
    },
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

type Begun = (once: () => Promise<void>) => Promise<void>;

/** The sweeper keeps pace: it has deleted as many as were begun. */
async function whileSweeping(store: Store, run: (begun: Begun) => Promise<Measured>): Promise<Measured> {
  let begun = 0;
  const sweep = async () => {
    for (let deleted = 0; deleted < PAIRS; ) {
      if (deleted > begun) await new Promise((resolve) => setImmediate(resolve));
      else deleted += await forget(store);
    }
  };
  const [measured] = await Promise.all([
    run((once) => {
      begun++;
      return once();
    }),
    sweep(),
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
