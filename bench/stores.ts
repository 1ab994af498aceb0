import { randomBytes } from "node:crypto";
import { systemClock as clock } from "../src/clock.ts";
import { silentObserver } from "../src/store/observer.ts";
import { BATCH_LIMITS, type BatchLimits } from "../src/store/postgres/batch-limits.ts";
import { createDatabase } from "../src/store/postgres/database.ts";
import { createPostgresStore } from "../src/store/postgres/store.ts";
import type { Store } from "../src/store/store.ts";
import { silentLog } from "../src/telemetry/log.ts";
import { noTracing } from "../src/telemetry/tracing.ts";
import { silentWaitingObserver } from "../src/waiting/observer.ts";
import { openWaiting } from "../src/waiting/postgres/waiting.ts";

export interface OpenedStore extends AsyncDisposable {
  readonly store: Store;
}

const random = Math.random;

/** The store by itself, over connections of its own. */
export async function openPlainStore(url: string, limits: BatchLimits = BATCH_LIMITS): Promise<OpenedStore> {
  const { store, close } = await open(url, limits);
  return { store, [Symbol.asyncDispose]: close };
}

/** The store as a server has it, once it listens. */
export async function openWaitingStore(url: string): Promise<OpenedStore> {
  const { store, database, close } = await open(url, BATCH_LIMITS);
  const lane = database.lanes(1);
  const waiting = openWaiting({
    store,
    notifications: { run: (work) => lane.run(0, work), listenUrl: url },
    observer: silentWaitingObserver,
    clock,
    log: silentLog,
    random,
  });
  while (waiting.status().mode !== "notified") await clock.sleep(10);
  return {
    store: waiting.store,
    async [Symbol.asyncDispose]() {
      await waiting[Symbol.asyncDispose]();
      await close();
    },
  };
}

async function open(url: string, limits: BatchLimits) {
  const database = createDatabase({ url, clock, random });
  const newToken = () => randomBytes(16);
  const store = createPostgresStore({
    ...{ database, clock, limits, newToken },
    observer: silentObserver,
    tracing: noTracing,
    asOf: () => null,
  });
  await database.opened();
  await store.peek({ tenant: "default", scope: "charge", key: "none" }, Number.POSITIVE_INFINITY);
  const close = async () => {
    await store.close();
    await database.close();
  };
  return { store, database, close };
}
