import type { Clock } from "../clock.ts";
import type { Instant } from "../domain/instant.ts";
import { silentObserver } from "../store/observer.ts";
import { BATCH_LIMITS } from "../store/postgres/batch-limits.ts";
import { type DatabaseAddress, withClient } from "../store/postgres/connection.ts";
import { createDatabase } from "../store/postgres/database.ts";
import { isDenied } from "../store/postgres/errors.ts";
import { checkSchema, migrate } from "../store/postgres/migrate.ts";
import { findPooler } from "../store/postgres/pooler.ts";
import { redactUrl } from "../store/postgres/redacted-url.ts";
import type { Run } from "../store/postgres/run.ts";
import { requireDatabase } from "../store/postgres/startup.ts";
import { createPostgresStore } from "../store/postgres/store.ts";
import { readDatabaseNow, untilUsable } from "../store/postgres/usable.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { noTracing } from "../telemetry/tracing.ts";
import type { NotificationSource } from "../waiting/postgres/waiting.ts";
import { withFewLanes } from "./few-lanes.ts";

/** Where the database is, and what may be done to it. */
export interface DatabaseOptions {
  /** postgres://USER:PASSWORD@HOST:PORT/DATABASE, or with a socket directory: postgres:///DATABASE?host=/DIR. */
  readonly databaseUrl: string;
  /** Asked for each new connection, for passwords that expire. Default: the one in the URL, or PGPASSWORD. */
  readonly password?: () => Promise<string>;
  /** Leads past a pooler in transaction mode, for LISTEN. Default: `databaseUrl`. */
  readonly listenUrl?: string;
  /** True: brings the schema holdfast up to date. Default false: a schema that is not is refused. */
  readonly migrate?: boolean;
  /** Goes on where fsync or the like is off, and a crash can lose results. For tests. Default false. */
  readonly allowUnsafeDatabase?: boolean;
}

/** The store of an application, and a lane beside it. */
export interface OpenDatabase extends AsyncDisposable {
  readonly store: Store;
  readonly run: Run;
  readonly notifications: Required<NotificationSource>;
  databaseNow(): Promise<Instant>;
}

export interface OpenDatabaseDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly newToken: () => Uint8Array;
  readonly log: Log;
}

/** How long the start waits for a database that has accepted a connection. */
const START_MS_MAX = 15_000;

/** Refuses a database that cannot be used, with what is to be done about it. */
export async function openDatabase(options: DatabaseOptions, deps: OpenDatabaseDeps): Promise<OpenDatabase> {
  const { databaseUrl: url, password, allowUnsafeDatabase: allowUnsafe = false } = options;
  await using opening = new AsyncDisposableStack();
  const address = { url, ...(password && { password }) };
  const pooled = await prepare(address, options, deps.log);
  const whole = opening.adopt(createDatabase({ ...deps, ...address, pooled, allowUnsafe }), (open) => open.close());
  const database = withFewLanes(whole);
  const store = createPostgresStore({
    ...{ ...deps, database, limits: BATCH_LIMITS, asOf: () => null },
    ...{ observer: silentObserver, tracing: noTracing },
  });
  opening.defer(() => store.close());
  const lane = database.lanes(1, { waitingMax: 1 });
  const notifying = whole.lanes(1, { optional: true });
  await untilUsable({ database: whole, lane, clock: deps.clock, waitMs: START_MS_MAX });
  const { listenUrl = url } = options;
  if (pooled && listenUrl === url) {
    deps.log.warn({}, "the database is behind a pooler in transaction mode: without listenUrl those who wait poll");
  }
  const opened = opening.move();
  return {
    store,
    run: (work) => lane.run(0, work),
    notifications: {
      run: (work) => notifying.run(0, work),
      listenUrl,
      listen() {
        if (pooled && listenUrl === url) throw new Error("no address leads past the pooler");
        return { ...address, url: listenUrl };
      },
    },
    databaseNow: () => readDatabaseNow(lane),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Tells whether a pooler is before it that lends a connection for one transaction. */
async function prepare(
  address: DatabaseAddress,
  { migrate: mayMigrate = false, allowUnsafeDatabase = false }: DatabaseOptions,
  log: Log,
): Promise<boolean> {
  let isConnected = false;
  try {
    return await withClient(address, async (client) => {
      isConnected = true;
      const pooled = (await findPooler(client, (work) => withClient(address, work))) === "transaction";
      const status = await checkSchema(client).catch((error: unknown) => {
        // What may be done is among what is required, with the SQL that mends it.
        if (isDenied(error)) return null;
        throw error;
      });
      if (status?.kind === "newer") log.warn({ unknown: status.unknown }, status.sentence);
      if (mayMigrate && status?.kind === "behind") await migrate(client);
      await requireDatabase(client, { allowUnsafeDatabase, pooled });
      return pooled;
    });
  } catch (cause) {
    if (isConnected) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot reach the database ${redactUrl(address.url)} (databaseUrl): ${why}`, { cause });
  }
}
