import { systemClock } from "../../../src/clock.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import { type StoreObserver, silentObserver } from "../../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../../src/store/postgres/batch-limits.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import { createPostgresStore, type PostgresStore } from "../../../src/store/postgres/store.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import type { StoreUnderTest } from "../../store/contract.ts";
import { createTestDatabase } from "../../support/database.ts";
import { freshToken, NOW } from "../../support/records.ts";

/** A store on a database of its own, whose clock is in the test's hands. */
export async function openPostgresStore(): Promise<StoreUnderTest> {
  const database = await createTestDatabase();
  let now: Instant = NOW;
  const store = await openStoreOn(database.url, { asOf: () => now });
  return {
    store,
    setNow: (instant) => {
      now = instant;
    },
    now: () => now,
    async close() {
      await store.close();
      await database.drop();
    },
  };
}

export interface OpenOptions {
  readonly asOf?: () => Instant | null;
  readonly observer?: StoreObserver;
}

/** A store with sessions of its own, which end with it. */
export async function openStoreOn(url: string, { asOf, observer }: OpenOptions = {}): Promise<PostgresStore> {
  const database = createDatabase({ url, clock: systemClock, random: Math.random });
  const store = createPostgresStore({
    database,
    clock: systemClock,
    observer: observer ?? silentObserver,
    limits: BATCH_LIMITS,
    newToken: freshToken,
    tracing: noTracing,
    asOf: asOf ?? (() => null),
  });
  await database.opened();
  await answers(store);
  return {
    ...store,
    async close() {
      await store.close();
      await database.close();
    },
  };
}

/** The durability barrier comes before the first answer; on a busy disk it takes longer than a caller is let wait. */
async function answers(store: PostgresStore): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await store.peek({ tenant: "default", scope: "opened", key: "opened" }, Number.POSITIVE_INFINITY);
      return;
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}
