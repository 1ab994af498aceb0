import { randomBytes } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { systemClock } from "../../src/clock.ts";
import type { Instant } from "../../src/domain/instant.ts";
import { silentObserver } from "../../src/store/observer.ts";
import { BATCH_LIMITS } from "../../src/store/postgres/batch-limits.ts";
import { createDatabase } from "../../src/store/postgres/database.ts";
import { createPostgresStore } from "../../src/store/postgres/store.ts";
import { noTracing } from "../../src/telemetry/tracing.ts";
import { type StoreUnderTest, storeContract } from "../store/contract.ts";
import { freshToken, NOW } from "../support/records.ts";
import { type Cluster, createCluster } from "./support/cluster.ts";
import { type PgBouncer, startPgBouncer } from "./support/pgbouncer.ts";
import { describeWith } from "./support/programs.ts";
import { makeDatabase, ROLE } from "./support/stand.ts";

await describeWith(["postgres", "pgbouncer"], "through a PgBouncer in transaction mode", (programs) => {
  let cluster: Cluster;
  let pooler: PgBouncer;

  beforeAll(async () => {
    cluster = await createCluster(programs.postgres);
    // Fewer than there are lanes, so that each statement may be lent another one.
    pooler = await startPgBouncer(programs.pgbouncer, {
      ...{ mode: "transaction", port: cluster.port },
      settings: { default_pool_size: 4 },
    });
  });

  afterAll(async () => {
    await pooler?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const open = async (): Promise<StoreUnderTest> => {
    const name = `store_${randomBytes(4).toString("hex")}`;
    await makeDatabase(cluster, name, { forPooler: true });
    let now: Instant = NOW;
    const url = pooler.url(name, ROLE);
    const database = createDatabase({ url, pooled: true, clock: systemClock, random: Math.random });
    const store = createPostgresStore({
      ...{ database, clock: systemClock, observer: silentObserver, newToken: freshToken, tracing: noTracing },
      limits: BATCH_LIMITS,
      asOf: () => now,
    });
    await database.opened();
    return {
      store,
      setNow: (instant) => {
        now = instant;
      },
      now: () => now,
      async close() {
        await store.close();
        await database.close();
      },
    };
  };
  storeContract("Postgres behind a PgBouncer", open);
});
