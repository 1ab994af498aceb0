import { randomUUID } from "node:crypto";
import type { RecordKey } from "../../../src/domain/key.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import type { Store } from "../../../src/store/store.ts";
import { claimOf, freshToken } from "../../../test/support/records.ts";
import { check } from "./stand.ts";

/** Two servers claim the same fresh keys at once, one of them from behind: batches that overlap, in full. */

const ROUNDS = 40;
const KEYS = 400;

// A wait of one batch for another is looked into soon, so that a round takes no second.
await check({ deadlock_timeout: "20ms" }, async ({ url, openStore }) => {
  const [one, other] = [await openStore(), await openStore()];
  for (let round = 0; round < ROUNDS; round++) {
    const keys = Array.from({ length: KEYS }, (_, i) => ({ tenant: "default", scope: `round ${round}`, key: `${i}` }));
    await Promise.all([claimAll(one, keys), claimAll(other, keys.toReversed())]);
  }
  const deadlocks = await withClient({ url }, async (client) => {
    await client.query("select pg_stat_force_next_flush()");
    const { rows } = await client.query<{ deadlocks: string }>(
      "select deadlocks from pg_stat_database where datname = current_database()",
    );
    return Number(rows[0]?.deadlocks ?? 0);
  });
  return deadlocks === 0 ? null : `${deadlocks} deadlocks in ${ROUNDS} rounds of two servers that claim the same keys`;
});

async function claimAll(store: Store, keys: readonly RecordKey[]): Promise<void> {
  const claim = (key: RecordKey) =>
    store.claim(claimOf({ key, claimId: randomUUID(), token: freshToken() }), Number.POSITIVE_INFINITY);
  // A batch that was given up for a deadlock is not what is looked for: the database counts it.
  await Promise.allSettled(keys.map(claim));
}
