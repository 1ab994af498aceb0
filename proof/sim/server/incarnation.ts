import { Fault } from "../../../src/domain/fault.ts";
import { DEFAULT_POLICY, plainTenant } from "../../../src/domain/tenant.ts";
import { createPurgeRecords, type PurgeRecords } from "../../../src/operations/admin/records/purge.ts";
import { createForceRelease, type ForceRelease } from "../../../src/operations/admin/records/release.ts";
import { createResetRecord, type ResetRecord } from "../../../src/operations/admin/records/reset.ts";
import { createResolveOutcome, type ResolveOutcome } from "../../../src/operations/admin/records/resolve.ts";
import { type Claim, createClaim } from "../../../src/operations/claim.ts";
import { type Complete, createComplete } from "../../../src/operations/complete.ts";
import { createFail, type Fail } from "../../../src/operations/fail.ts";
import { createGetRecord, type GetRecord } from "../../../src/operations/get-record.ts";
import { createHeartbeat, type Heartbeat } from "../../../src/operations/heartbeat.ts";
import { createWaitFor, type WaitFor } from "../../../src/operations/wait-for.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import { createPostgresStore } from "../../../src/store/postgres/store.ts";
import { createSweeper } from "../../../src/store/sweeper.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../../src/tenants/static.ts";
import { createHub, type Hub } from "../../../src/waiting/hub.ts";
import type { WaitingObserver } from "../../../src/waiting/observer.ts";
import { openPostgresListener } from "../../../src/waiting/postgres/listener.ts";
import { createPostgresNotifier } from "../../../src/waiting/postgres/notifier.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import type { ServerMutation } from "../mutation.ts";
import type { Process } from "../time.ts";
import { TENANTS } from "../weather.ts";
import { openDatabase } from "./database.ts";
import type { ServerDeps } from "./server.ts";

/** What a server answers with, as long as it lives. */
export interface App {
  readonly claim: Claim;
  readonly heartbeat: Heartbeat;
  readonly complete: Complete;
  readonly fail: Fail;
  readonly getRecord: GetRecord;
  readonly waitFor: WaitFor;
  readonly release: ForceRelease;
  readonly resolve: ResolveOutcome;
  readonly reset: ResetRecord;
  readonly purge: PurgeRecords;
}

/** A server from its start to its end. */
export interface Incarnation {
  readonly process: Process;
  readonly app: App;
  readonly hub: Hub;
  /** Resolves once all its connections have been there. */
  opened(): Promise<void>;
  /** Ends waits and acquires nothing more. */
  drain(): void;
  /** Ends everything that was opened, in the order in which a server does. */
  close(): Promise<void>;
  /** What is still there of what it has done: nothing, after it was closed. */
  leftovers(): readonly string[];
}

const TOKEN_BYTES = 16;
const OPERATOR_CHANGED = () => undefined;

/** All of one server but its transports, its registry of tenants, and the driver of the database. */
export function openIncarnation(process: Process, deps: ServerDeps, mutation: ServerMutation): Incarnation {
  const { time, cluster, weather, examiner, name, tell } = deps;
  const { random } = time;
  const { reads = same, hub: wrap = same, waking = createWakingStore, clock: bend = same } = mutation;
  const { clock } = process;
  const waiting = observerOf(tell);
  const database: Database = openDatabase({ ...deps, process, epochOf: mutation.epoch ?? same });
  const newToken = () => Uint8Array.from({ length: TOKEN_BYTES }, () => time.whole(0, 255));
  const asOf = mutation.asOf?.(deps.wallClock) ?? (() => null);
  const plain = createPostgresStore({
    ...{ database, clock, newToken, asOf, limits: weather.batches },
    observer: { ...silentObserver, retried: (statement, cause) => tell(`sends ${statement} once more: ${cause}`) },
    tracing: noTracing,
  });
  const measuring = database.lanes(1, { waitingMax: 1_000 });
  const notifying = database.lanes(1, { optional: true });
  const store = examiner.port(plain, name);

  const hub = wrap(
    createHub({ store: reads(store), clock: bend(clock), observer: waiting, random, limits: weather.waiting }),
  );
  const notifier = createPostgresNotifier({ run: (work) => notifying.run(0, work), clock, observer: waiting });
  const listener = openPostgresListener({
    open: (onNotification) => cluster.connect(process, `${name} listener`, onNotification),
    ...{ hub, notifier, clock, random, observer: waiting },
    log: { info: (_, message) => tell(message), warn: (_, message) => tell(message) },
    listenUrl: "simulated",
    pollMs: weather.waiting.pollMs,
  });
  const awake = waking({ store, hub, notifier });
  const sweeper = createSweeper({
    ...{ store: awake, clock, random, observer: silentObserver },
    databaseNow: () =>
      measuring.run(0, async (connection) => {
        const [row] = await connection.query<{ now: number }>({ name: "server-time", text: "" }, [null]);
        return row?.now ?? 0;
      }),
    intervalMs: weather.sweepMs,
    limit: 50,
    onError: () => undefined,
  });
  sweeper.start();

  const policy = { ...DEFAULT_POLICY };
  const tenants = createStaticTenants(
    plainRuntime({ hub, store: awake }),
    TENANTS.map((id) => ({ tenant: { ...plainTenant(id), policy } })),
  );
  let isDraining = false;
  const draining = () =>
    isDraining ? new Fault("DRAINING", "this server is shutting down; another one answers") : null;
  const changing = { tenants, changed: OPERATOR_CHANGED };

  return {
    process,
    hub,
    opened: () => database.opened(),
    app: {
      claim: createClaim({ tenants, clock, waiting, admission: draining, newToken }),
      heartbeat: createHeartbeat({ tenants }),
      complete: createComplete({ tenants }),
      fail: createFail({ tenants }),
      getRecord: createGetRecord({ tenants }),
      waitFor: createWaitFor({ tenants, clock }),
      release: createForceRelease(changing),
      resolve: createResolveOutcome(changing),
      reset: createResetRecord(changing),
      purge: createPurgeRecords({ tenants, clock, purged: OPERATOR_CHANGED }),
    },
    drain() {
      isDraining = true;
      hub.drain();
    },
    async close() {
      await sweeper.stop();
      await listener[Symbol.asyncDispose]();
      await notifier[Symbol.asyncDispose]();
      hub[Symbol.dispose]();
      await plain.close();
      await database.close();
    },
    leftovers() {
      const { calls, waiters, keys } = hub.status();
      const { busy, open } = database.status();
      const counts = { calls, waiters, keys, "statements under way": busy, "open connections": open };
      return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
    },
  };
}

function observerOf(tell: (text: string) => void): WaitingObserver {
  return {
    failed: () => tell("could not read or flag a record that is waited for"),
    woke: (path, ms) => tell(`wakes its waiters of an end: ${path}, ${ms.toFixed(0)} ms after it`),
    promoted: () => tell("promotes a waiting claim"),
    gaveBack: () => tell("gives a lease back that reached nobody"),
    notificationsSent: (ids) => tell(`has sent ${ids} notifications`),
    notificationsDropped: (ids) => tell(`drops ${ids} notifications`),
    notificationsReceived: (ids) => tell(`hears ${ids} notifications`),
    probed: () => tell("hears its own probe"),
  };
}

function same<T>(value: T): T {
  return value;
}
