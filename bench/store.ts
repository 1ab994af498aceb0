import { randomBytes } from "node:crypto";
import { systemClock } from "../src/clock.ts";
import { silentObserver } from "../src/store/observer.ts";
import { BATCH_LIMITS, type BatchLimits } from "../src/store/postgres/batcher.ts";
import { createDatabase } from "../src/store/postgres/database.ts";
import { createPostgresStore } from "../src/store/postgres/store.ts";
import type { Store } from "../src/store/store.ts";
import { claimCall, completeCall } from "./calls.ts";
import type { BenchPostgres } from "./database.ts";
import { interleave, throughput } from "./measure.ts";

const WIDTH = 512;

/** Through the store, over the same six connections: fresh pairs in batches, one call per statement, and replays. */
export async function benchStore(postgres: BenchPostgres, rounds: number) {
  const url = await postgres.database("store");
  await using batched = await openStore(url, BATCH_LIMITS);
  await using single = await openStore(url, { ...BATCH_LIMITS, rowsMax: 1 });
  let keys = 0;
  const pairs = (store: Store, count: number) =>
    throughput(count, WIDTH, async () => {
      const call = claimCall(`fresh-${keys++}`);
      await store.finish(completeCall(await store.claim(call, Number.POSITIVE_INFINITY)), Number.POSITIVE_INFINITY);
    });
  await pairs(batched.store, 4_000);
  const done = keys;
  const replay = async (i: number) => {
    const answer = await batched.store.claim(claimCall(`fresh-${i % done}`), Number.POSITIVE_INFINITY);
    if (answer.kind !== "completed") throw new Error(`a replay was answered ${answer.kind}`);
  };
  return await interleave(rounds, {
    pairsBatched: () => pairs(batched.store, 8_000),
    pairsSingle: () => pairs(single.store, 800),
    replays: () => throughput(20_000, WIDTH, replay),
  });
}

async function openStore(url: string, limits: BatchLimits): Promise<{ readonly store: Store } & AsyncDisposable> {
  const database = createDatabase({ url, clock: systemClock, random: Math.random });
  const store = createPostgresStore({
    database,
    clock: systemClock,
    observer: silentObserver,
    limits,
    newToken: () => randomBytes(16),
    asOf: () => null,
  });
  await database.opened();
  await store.peek({ tenant: "default", scope: "charge", key: "none" }, Number.POSITIVE_INFINITY);
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await database.close();
    },
  };
}
