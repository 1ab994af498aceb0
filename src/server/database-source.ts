import type { Clock } from "../clock.ts";
import { type DatabaseAddress, withClient } from "../store/postgres/connection.ts";
import { redactUrl } from "../store/postgres/redacted-url.ts";
import type { Log } from "../telemetry/log.ts";
import type { NamedUrl } from "./config/kinds.ts";
import type { Config } from "./config.ts";
import { type Password, type PasswordConfig, passwordFor } from "./database-password.ts";
import { CONNECTIONS } from "./limits.ts";
import { cannotReach, OperatorError } from "./operator-error.ts";

/** The placement that is there without --placements. */
export const MAIN = "main";

/** A database that is there. */
export interface DatabaseSource extends Pick<DatabaseAddress, "url" | "password"> {
  /** Leads to the same database, and past any pooler; `url` where nothing else was given. */
  readonly listenUrl: string;
  /** For `listenUrl`. */
  readonly listenPassword?: Password;
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

export interface DatabaseSourceDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  /** Cuts short the wait for a data directory that another process has locked. */
  readonly signal?: AbortSignal;
  /** How many servers are to share it; an embedded one that is started here has room for all their connections. */
  readonly processes?: number;
}

/** The given database, or real Postgres started for us. */
export async function findDatabase(
  config: Pick<Config, "databaseUrl" | "listenUrl" | "dataDir"> & PasswordConfig,
  { processes = 1, ...deps }: DatabaseSourceDeps,
): Promise<MainDatabase> {
  const { databaseUrl, listenUrl, dataDir } = config;
  if (databaseUrl !== null) {
    return {
      ...addressesOf(MAIN, databaseUrl, listenUrl, config, deps.clock),
      embedded: false,
      option: "--database-url",
      broken: new Promise(() => undefined),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const { startEmbeddedPostgres } = await import("./embedded-postgres.ts");
  const postgres = await startEmbeddedPostgres({
    ...deps,
    dataDirectory: dataDir,
    settings: { max_connections: String(connectionsFor(processes)) },
  });
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

/** PostgreSQL's own default, or what so many servers need, with room for commands and people. */
function connectionsFor(processes: number): number {
  return Math.max(100, processes * CONNECTIONS.main + 20);
}

/** One of --placements. */
export function placedDatabase(
  { name, url }: NamedUrl,
  config: Pick<Config, "placementListenUrls"> & PasswordConfig,
  clock: Clock,
): DatabaseSource {
  const listenUrl = config.placementListenUrls?.find((one) => one.name === name)?.url ?? null;
  return { ...addressesOf(name, url, listenUrl, config, clock), option: "--placements" };
}

function addressesOf(placement: string, url: string, listenUrl: string | null, config: PasswordConfig, clock: Clock) {
  const password = passwordFor(url, placement, config, clock);
  const listenPassword = listenUrl === null ? password : passwordFor(listenUrl, placement, config, clock);
  return {
    url,
    listenUrl: listenUrl ?? url,
    description: redactUrl(url),
    ...(password && { password }),
    ...(listenPassword && { listenPassword }),
  };
}

/** Where notifications are heard. Throws when that is the address of a pooler, which hands on none. */
export function listenAddress({ url, listenUrl, listenPassword }: DatabaseSource, pooled: boolean): DatabaseAddress {
  if (pooled && listenUrl === url) {
    throw new OperatorError(
      "the database is behind a pooler in transaction mode, and no other address leads past it: give one with " +
        "--listen-url, of another placement with --placement-listen-urls",
    );
  }
  return { url: listenUrl, ...(listenPassword && { password: listenPassword }) };
}

/**
 * Lends a client like `withClient`, until the signal is aborted; a database that takes no connection is named, without
 * its password.
 */
export async function withDatabase<T>(
  { url, password, description, option }: DatabaseSource,
  work: Parameters<typeof withClient<T>>[1],
  signal?: AbortSignal,
): Promise<T> {
  let connected = false;
  try {
    return await withClient({ url, ...(password && { password }), ...(signal && { signal }) }, (client) => {
      connected = true;
      return work(client);
    });
  } catch (error) {
    if (connected || signal?.aborted) throw error;
    throw cannotReach(option === null ? description : `${description} (${option})`, error);
  }
}
