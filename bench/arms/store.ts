import { BATCH_LIMITS } from "../../src/store/postgres/batch-limits.ts";
import type { Store } from "../../src/store/store.ts";
import { claimCall, completeCall } from "../calls.ts";
import type { BenchContext } from "../context.ts";
import { figure } from "../figures.ts";
import { interleave, ratios, throughput } from "../measure.ts";
import type { Section } from "../report.ts";
import { openPlainStore } from "../stores.ts";

const WIDTH = 512;

const HOW = `
Through the store alone, ${WIDTH} callers over the same six connections: fresh pairs in batches, fresh pairs with one call per
statement, and claims of records that have ended.`;

/** What batches are worth. */
export async function benchStore({ postgres, rounds }: BenchContext): Promise<Section> {
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
  const { pairsBatched, pairsSingle, replays } = await interleave(rounds, {
    pairsBatched: () => pairs(batched.store, 8_000),
    pairsSingle: () => pairs(single.store, 800),
    replays: () => throughput(20_000, WIDTH, replay),
  });
  return {
    id: "store",
    title: "Batches against single calls",
    how: HOW.trim(),
    figures: [
      figure("pairs-batched", "claim + complete, batched", "pairs/s", pairsBatched),
      figure("pairs-single", "claim + complete, one call per statement", "pairs/s", pairsSingle),
      figure("replays", "replays", "calls/s", replays),
      figure("batched-to-single", "batched ÷ one per statement", "×", ratios(pairsBatched, pairsSingle), {
        atLeast: 8,
      }),
      figure("replays-to-pairs", "replays ÷ batched pairs", "×", ratios(replays, pairsBatched), { atLeast: 2 }),
    ],
  };
}
