import type { Clock } from "../clock.ts";
import type { Instant } from "../domain/instant.ts";
import type { StoreObserver } from "../store/observer.ts";
import { BATCH_LIMITS } from "../store/postgres/batcher.ts";
import { type Connection, withClient } from "../store/postgres/connection.ts";
import { createDatabase, type Database } from "../store/postgres/database.ts";
import type { Lanes } from "../store/postgres/lanes.ts";
import { checkSchema, migrate } from "../store/postgres/migrate.ts";
import { requireDatabase } from "../store/postgres/startup.ts";
import { loadStatement } from "../store/postgres/statement.ts";
import { createPostgresStore } from "../store/postgres/store.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { createCachedDirectory } from "../tenants/cached.ts";
import type { TenantDirectory } from "../tenants/directory.ts";
import { createPostgresDirectory } from "../tenants/postgres/directory.ts";
import { redactUrl } from "./config/kinds.ts";
import type { Config } from "./config.ts";
import { START_MS_MAX, START_RETRY_MS, TENANT_ABSENT_TTL_MS, TENANT_TTL_MS, TENANTS_MAX } from "./limits.ts";
import { cannotReach } from "./operator-error.ts";

/** What a server serves from: the store and all that stands on the same database. */
export interface Backend extends AsyncDisposable {
  readonly store: Store;
  readonly tenants: TenantDirectory;
  readonly notifications: NotificationSource;
  /** The database's clock. */
  databaseNow(): Promise<Instant>;
  /** For people; without password. */
  readonly description: string;
  status(): BackendStatus;
  /** Resolves when the database has gone for good and only a restart of this process helps. */
  readonly broken: Promise<Error>;
}

/** Where notifications are sent and heard. */
export interface NotificationSource {
  /** Lends the connection that they are sent on, which is used for nothing else. */
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  /** Leads to the same database, and past any pooler. */
  readonly listenUrl: string;
}

export interface BackendStatus {
  readonly reachable: boolean;
  readonly connections: number;
  readonly open: number;
  readonly busy: number;
  /** Why it is not reachable. */
  readonly trouble: Error | null;
}

export interface BackendDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: StoreObserver;
  readonly newToken: () => Uint8Array;
  readonly random: () => number;
  /** Cuts short the waits for a database that is locked or not usable yet. */
  readonly signal?: AbortSignal;
}

/** Opens the database, brings its schema up to date or refuses it, and builds the store on it. */
export async function openBackend(config: Config, deps: BackendDeps): Promise<Backend> {
  await using opening = new AsyncDisposableStack();
  const source = opening.use(await findDatabase(config, deps));
  await prepareSchema(source, config.migrate ?? source.embedded, config, deps.log);
  const database = opening.adopt(createDatabase({ ...deps, url: source.url }), (open) => open.close());
  const { maxQueueCalls: queueCallsMax, maxQueueBytes: queueBytesMax } = config;
  const limits = { ...BATCH_LIMITS, queueCallsMax, queueBytesMax };
  const store = createPostgresStore({ ...deps, database, limits, asOf: () => null });
  opening.defer(() => store.close());
  // Not the store's lanes: a tenant is looked up before the first call of it, and must not queue behind batches.
  const lane = database.lanes(1);
  const tenants = openTenants(lane, deps.clock);
  const notifyLane = database.lanes(1);
  await untilUsable(database, lane, deps.clock, deps.signal);
  const opened = opening.move();
  return {
    store,
    tenants,
    notifications: {
      run: (work) => notifyLane.run(0, work),
      listenUrl: source.embedded ? source.url : (config.listenUrl ?? source.url),
    },
    databaseNow: () => readDatabaseNow(lane),
    description: source.description,
    broken: source.broken,
    status: () => statusOf(database),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

export interface DatabaseSource extends AsyncDisposable {
  readonly url: string;
  readonly embedded: boolean;
  readonly description: string;
  readonly broken: Promise<Error>;
}

/** The given database, or real Postgres started for us. */
export async function findDatabase(
  { databaseUrl, dataDir }: Config,
  deps: Pick<BackendDeps, "clock" | "log" | "signal">,
): Promise<DatabaseSource> {
  if (databaseUrl !== null) {
    return {
      url: databaseUrl,
      embedded: false,
      description: redactUrl(databaseUrl),
      broken: new Promise(() => undefined),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const { startEmbeddedPostgres } = await import("./embedded-postgres.ts");
  const postgres = await startEmbeddedPostgres({ ...deps, dataDirectory: dataDir });
  return {
    url: postgres.url,
    embedded: true,
    description: `embedded Postgres ${postgres.version} in ${dataDir} (psql "${postgres.url}")`,
    broken: postgres.exited.then(() => new Error("the embedded Postgres has ended")),
    [Symbol.asyncDispose]: () => postgres.stop(),
  };
}

/** Lends a client like `withClient`; a database that takes no connection is named, without its password. */
export async function withDatabase<T>(
  { url, embedded, description }: DatabaseSource,
  work: Parameters<typeof withClient<T>>[1],
): Promise<T> {
  let connected = false;
  try {
    return await withClient({ url }, (client) => {
      connected = true;
      return work(client);
    });
  } catch (error) {
    throw connected ? error : cannotReach(embedded ? description : `${description} (--database-url)`, error);
  }
}

async function prepareSchema(source: DatabaseSource, mayMigrate: boolean, config: Config, log: Log): Promise<void> {
  await withDatabase(source, async (client) => {
    const status = await checkSchema(client);
    if (mayMigrate && status.kind === "behind") {
      for (const migration of await migrate(client)) log.info({ migration }, "applied a migration");
    }
    await requireDatabase(client, { allowUnsafeDatabase: config.allowUnsafeDatabase });
  });
}

function openTenants(lane: Lanes, clock: Clock): TenantDirectory {
  return createCachedDirectory({
    directory: createPostgresDirectory({ run: (work) => lane.run(0, work), clock }),
    clock,
    ttlMs: TENANT_TTL_MS,
    absentTtlMs: TENANT_ABSENT_TTL_MS,
    entriesMax: TENANTS_MAX,
  });
}

/**
 * Who is told that we listen must not be refused because a connection is still being opened, nor because of the
 * durability barrier that comes before the first of them may be used.
 */
async function untilUsable(database: Database, lane: Lanes, clock: Clock, signal?: AbortSignal): Promise<void> {
  const giveUpAtMs = clock.monotonicMs() + START_MS_MAX;
  await openedWithin(database, START_MS_MAX, clock, signal);
  for (;;) {
    try {
      await readDatabaseNow(lane);
      return;
    } catch (error) {
      if (clock.monotonicMs() >= giveUpAtMs) throw error;
      await clock.sleep(START_RETRY_MS, signal);
    }
  }
}

/** Also when some lane finds no room in the database: the others serve. */
async function openedWithin(database: Database, ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  const opened = new AbortController();
  const late = clock.sleep(ms, signal === undefined ? opened.signal : AbortSignal.any([signal, opened.signal]));
  try {
    await Promise.race([database.opened(), late]);
  } finally {
    late.catch(() => undefined);
    opened.abort();
  }
}

const SERVER_TIME = loadStatement("server-time");

async function readDatabaseNow(lane: Lanes): Promise<Instant> {
  const [row] = await lane.run(0, (connection) => connection.query<{ readonly now: Instant }>(SERVER_TIME, [null]));
  if (row === undefined) throw new Error("bug: no row from server-time");
  return row.now;
}

function statusOf(database: Database): BackendStatus {
  const { reachable, lanes, open, busy, trouble } = database.status();
  return { reachable, connections: lanes, open, busy, trouble };
}
