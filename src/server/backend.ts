import type { Clock } from "../clock.ts";
import type { Instant } from "../domain/instant.ts";
import type { StoreObserver } from "../store/observer.ts";
import { BATCH_LIMITS } from "../store/postgres/batch-limits.ts";
import type { Connection } from "../store/postgres/connection.ts";
import { createDatabase, type Database } from "../store/postgres/database.ts";
import { isDenied } from "../store/postgres/errors.ts";
import { connectionOf } from "../store/postgres/identity.ts";
import { checkSchema, migrate } from "../store/postgres/migrate.ts";
import { findPooler } from "../store/postgres/pooler.ts";
import type { Run } from "../store/postgres/run.ts";
import { requireDatabase } from "../store/postgres/startup.ts";
import { createPostgresStore } from "../store/postgres/store.ts";
import { traceDatabase } from "../store/postgres/traced-database.ts";
import { readDatabaseNow, untilUsable } from "../store/postgres/usable.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { NotificationSource } from "../waiting/postgres/waiting.ts";
import type { Config } from "./config.ts";
import { type DatabaseSource, listenAddress, withDatabase } from "./database-source.ts";
import { CONNECTIONS, START_MS_MAX } from "./limits.ts";
import { openRegistryLanes, type RegistryLanes } from "./placement/registry-lanes.ts";

/** What stands on one database: the store, and a lane beside it. */
export interface Backend extends AsyncDisposable {
  readonly store: Store;
  /** For what tenants use and for their keys: nothing that must not wait for a page of either. */
  readonly measure: Run;
  readonly notifications: NotificationSource;
  /** The database's clock. */
  databaseNow(): Promise<Instant>;
  status(): BackendStatus;
}

/** Of the database where tenants and API keys are kept. */
export interface MainBackend extends Backend, RegistryLanes {}

export interface BackendStatus {
  readonly reachable: boolean;
  readonly connections: number;
  readonly open: number;
  readonly busy: number;
  /** Why it is not reachable. For the log: it may hold an address. */
  readonly trouble: Error | null;
}

export interface BackendDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: StoreObserver;
  readonly tracing: Tracing;
  readonly newToken: () => Uint8Array;
  readonly random: () => number;
  /** How many make up the server, all with as many connections as this one. */
  readonly processes?: number;
  /** Throws what keeps a database with the right schema from being opened. */
  readonly admit?: (connection: Connection) => Promise<void>;
  /** Cuts short the waits for a database that is locked or not usable yet. */
  readonly signal?: AbortSignal;
}

export type BackendConfig = Pick<Config, "maxQueueCalls" | "maxQueueBytes" | "allowUnsafeDatabase" | "pooler">;

/** Refuses a database that cannot be used, its schema included unless that may be brought up to date, and builds the store on it. */
export async function openBackend(...given: BackendArguments): Promise<Backend> {
  return open(given, CONNECTIONS.placement, () => ({}));
}

export async function openMainBackend(...given: BackendArguments): Promise<MainBackend> {
  return open(given, CONNECTIONS.main, openRegistryLanes);
}

type BackendArguments = readonly [
  source: DatabaseSource,
  mayMigrate: boolean,
  config: BackendConfig,
  deps: BackendDeps,
];

async function open<More>(
  [source, mayMigrate, config, deps]: BackendArguments,
  connections: number,
  openMore: (database: Database) => More,
): Promise<Backend & More> {
  await using opening = new AsyncDisposableStack();
  const pooled = await prepareSchema(source, mayMigrate, config, deps, connections);
  const { url, password } = source;
  const address = { url, pooled, allowUnsafe: config.allowUnsafeDatabase, ...(password && { password }) };
  const plain = opening.adopt(createDatabase({ ...deps, ...address }), (open) => open.close());
  const database = traceDatabase(plain, deps.tracing);
  const { maxQueueCalls: queueCallsMax, maxQueueBytes: queueBytesMax } = config;
  const limits = { ...BATCH_LIMITS, queueCallsMax, queueBytesMax };
  const store = createPostgresStore({ ...deps, database, limits, asOf: () => null });
  opening.defer(() => store.close());
  // Not the store's lanes: what a tenant's first call needs must not queue behind batches.
  const lane = database.lanes(1, { waitingMax: MEASURING_WAITING_MAX });
  const more = openMore(database);
  // Optional: without it those who wait on other servers look for themselves.
  const notifyLane = database.lanes(1, { optional: true });
  await untilUsable({ ...deps, database, lane, waitMs: START_MS_MAX });
  const opened = opening.move();
  return {
    ...more,
    store,
    measure: (work) => lane.run(0, work),
    notifications: {
      run: (work) => notifyLane.run(0, work),
      listenUrl: source.listenUrl,
      listen: () => listenAddress(source, pooled),
    },
    databaseNow: () => readDatabaseNow(lane),
    status: () => statusOf(database),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Pages of records in use take milliseconds each, and a tenant has one on its way. */
const MEASURING_WAITING_MAX = 1000;

/** Tells whether a pooler is before it that lends a connection for one transaction. */
async function prepareSchema(
  source: DatabaseSource,
  mayMigrate: boolean,
  { allowUnsafeDatabase, pooler }: BackendConfig,
  { log, signal, admit, processes = 1 }: BackendDeps,
  each: number,
): Promise<boolean> {
  const isPooled = async (client: Client) => {
    if (pooler !== "auto" || source.option === null) return pooler === "transaction";
    return (await findPooler(client, (work) => withDatabase(source, work, signal))) === "transaction";
  };
  const prepare = async (client: Client) => {
    const pooled = await isPooled(client);
    const status = await checkSchema(client).catch(unlessDenied);
    if (status?.kind === "newer") log.warn({ unknown: status.unknown }, status.sentence);
    if (mayMigrate && status?.kind === "behind") {
      for (const migration of await migrate(client)) log.info({ migration }, "applied a migration");
    }
    const need = { processes, each, spare: CONNECTIONS.spare };
    await requireDatabase(client, { allowUnsafeDatabase, pooled, ...(processes > 1 && { connections: need }) });
    if (pooled) log.info({}, "a pooler in transaction mode is before the database");
    await admit?.(connectionOf(client));
    return pooled;
  };
  return withDatabase(source, prepare, signal);
}

/** Whoever may not read the register is told by the checks of the database, with what else is wrong and the SQL. */
function unlessDenied(error: unknown): null {
  if (isDenied(error)) return null;
  throw error;
}

type Client = Parameters<Parameters<typeof withDatabase>[1]>[0];

function statusOf(database: Database): BackendStatus {
  const { reachable, lanes, open, busy, trouble } = database.status();
  return { reachable, connections: lanes, open, busy, trouble };
}
