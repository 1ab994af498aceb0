import { BATCH_LIMITS } from "../src/store/postgres/batcher.ts";
import type { Store } from "../src/store/store.ts";
import { claimCall, completeCall } from "./calls.ts";
import type { BenchPostgres } from "./database.ts";
import { interleave, throughput } from "./measure.ts";
import { openPlainStore } from "./stores.ts";

const WIDTH = 512;

/** Through the store, over the same six connections: fresh pairs in batches, one call per statement, and replays. */
export async function benchStore(postgres: BenchPostgres, rounds: number) {
  const url = await postgres.database("store");
  await using batched = await openPlainStore(url);
  await using single = await openPlainStore(url, { ...BATCH_LIMITS, rowsMax: 1 });
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
