import type { Clock } from "../clock.ts";
import type { Instant } from "../domain/instant.ts";
import type { StoreObserver } from "../store/observer.ts";
import { BATCH_LIMITS } from "../store/postgres/batcher.ts";
import { type Connection, withClient } from "../store/postgres/connection.ts";
import { createDatabase, type Database } from "../store/postgres/database.ts";
import { connectionOf } from "../store/postgres/identity.ts";
import { checkSchema, migrate } from "../store/postgres/migrate.ts";
import { requireDatabase } from "../store/postgres/startup.ts";
import { createPostgresStore } from "../store/postgres/store.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { type NamedUrl, redactUrl } from "./config/kinds.ts";
import type { Config } from "./config.ts";
import { cannotReach } from "./operator-error.ts";
import { openRegistryLanes, type RegistryLanes } from "./placement/registry-lanes.ts";
import { readDatabaseNow, untilUsable } from "./placement/usable.ts";

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

/**
 * Lends a connection. Rejects with what `work` threw, or with a `Fault`, without having run it: STORE_UNAVAILABLE when
 * there is none to be had, OVERLOADED when too many wait for it.
 */
export type Run = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;

/** Where notifications are sent and heard. */
export interface NotificationSource {
  /** Lends the connection that they are sent on, which is used for nothing else. */
  readonly run: Run;
  /** Leads to the same database, and past any pooler. */
  readonly listenUrl: string;
}

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
  readonly newToken: () => Uint8Array;
  readonly random: () => number;
  /** Throws what keeps a database with the right schema from being opened. */
  readonly admit?: (connection: Connection) => Promise<void>;
  /** Cuts short the waits for a database that is locked or not usable yet. */
  readonly signal?: AbortSignal;
}

export type BackendConfig = Pick<Config, "maxQueueCalls" | "maxQueueBytes" | "allowUnsafeDatabase">;

/** Refuses a database that cannot be used, its schema included unless that may be brought up to date, and builds the store on it. */
export async function openBackend(...given: BackendArguments): Promise<Backend> {
  return open(given, () => ({}));
}

export async function openMainBackend(...given: BackendArguments): Promise<MainBackend> {
  return open(given, openRegistryLanes);
}

type BackendArguments = readonly [
  source: DatabaseSource,
  mayMigrate: boolean,
  config: BackendConfig,
  deps: BackendDeps,
];

async function open<More>(
  [source, mayMigrate, config, deps]: BackendArguments,
  openMore: (database: Database) => More,
): Promise<Backend & More> {
  await using opening = new AsyncDisposableStack();
  await prepareSchema(source, mayMigrate, config, deps);
  const database = opening.adopt(createDatabase({ ...deps, url: source.url }), (open) => open.close());
  const { maxQueueCalls: queueCallsMax, maxQueueBytes: queueBytesMax } = config;
  const limits = { ...BATCH_LIMITS, queueCallsMax, queueBytesMax };
  const store = createPostgresStore({ ...deps, database, limits, asOf: () => null });
  opening.defer(() => store.close());
  // Not the store's lanes: what a tenant's first call needs must not queue behind batches.
  const lane = database.lanes(1, { waitingMax: MEASURING_WAITING_MAX });
  const more = openMore(database);
  // Optional: without it those who wait on other servers look for themselves.
  const notifyLane = database.lanes(1, { optional: true });
  await untilUsable(database, lane, deps.clock, deps.signal);
  const opened = opening.move();
  return {
    ...more,
    store,
    measure: (work) => lane.run(0, work),
    notifications: { run: (work) => notifyLane.run(0, work), listenUrl: source.listenUrl },
    databaseNow: () => readDatabaseNow(lane),
    status: () => statusOf(database),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Pages of records in use take milliseconds each, and a tenant has one on its way. */
const MEASURING_WAITING_MAX = 1000;

/** The placement that is there without --placements. */
export const MAIN = "main";

/** A database that is there. */
export interface DatabaseSource {
  readonly url: string;
  /** Leads to the same database, and past any pooler. */
  readonly listenUrl: string;
  /** For people; without password. */
  readonly description: string;
  /** The option that names it; null: none does. */
  readonly option: string | null;
}

export interface MainDatabase extends DatabaseSource, AsyncDisposable {
  readonly embedded: boolean;
  /** Resolves when the database has gone for good and only a restart of this process helps. */
  readonly broken: Promise<Error>;
}

/** The given database, or real Postgres started for us. */
export async function findDatabase(
  { databaseUrl, listenUrl, dataDir }: Pick<Config, "databaseUrl" | "listenUrl" | "dataDir">,
  deps: Pick<BackendDeps, "clock" | "log" | "signal">,
): Promise<MainDatabase> {
  if (databaseUrl !== null) {
    return {
      url: databaseUrl,
      listenUrl: listenUrl ?? databaseUrl,
      embedded: false,
      description: redactUrl(databaseUrl),
      option: "--database-url",
      broken: new Promise(() => undefined),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const { startEmbeddedPostgres } = await import("./embedded-postgres.ts");
  const postgres = await startEmbeddedPostgres({ ...deps, dataDirectory: dataDir });
  return {
    url: postgres.url,
    listenUrl: postgres.url,
    embedded: true,
    description: `embedded Postgres ${postgres.version} in ${dataDir} (psql "${postgres.url}")`,
    option: null,
    broken: postgres.exited.then(() => new Error("the embedded Postgres has ended")),
    [Symbol.asyncDispose]: () => postgres.stop(),
  };
}

/** One of --placements. */
export function placedDatabase({ name, url }: NamedUrl, listenUrls: readonly NamedUrl[] | null): DatabaseSource {
  const listenUrl = listenUrls?.find((one) => one.name === name)?.url ?? url;
  return { url, listenUrl, description: redactUrl(url), option: "--placements" };
}

/**
 * Lends a client like `withClient`, until the signal is aborted; a database that takes no connection is named, without
 * its password.
 */
export async function withDatabase<T>(
  { url, description, option }: DatabaseSource,
  work: Parameters<typeof withClient<T>>[1],
  signal?: AbortSignal,
): Promise<T> {
  let connected = false;
  try {
    return await withClient({ url, ...(signal && { signal }) }, (client) => {
      connected = true;
      return work(client);
    });
  } catch (error) {
    if (connected || signal?.aborted) throw error;
    throw cannotReach(option === null ? description : `${description} (${option})`, error);
  }
}

async function prepareSchema(
  source: DatabaseSource,
  mayMigrate: boolean,
  { allowUnsafeDatabase }: BackendConfig,
  { log, signal, admit }: BackendDeps,
): Promise<void> {
  const prepare = async (client: Client) => {
    const status = await checkSchema(client);
    if (mayMigrate && status.kind === "behind") {
      for (const migration of await migrate(client)) log.info({ migration }, "applied a migration");
    }
    await requireDatabase(client, { allowUnsafeDatabase });
    await admit?.(connectionOf(client));
  };
  await withDatabase(source, prepare, signal);
}

type Client = Parameters<Parameters<typeof withDatabase>[1]>[0];

function statusOf(database: Database): BackendStatus {
  const { reachable, lanes, open, busy, trouble } = database.status();
  return { reachable, connections: lanes, open, busy, trouble };
}
