import type { Clock } from "../clock.ts";
import { findBinaries } from "./embedded-postgres/binaries.ts";
import { clusterMajor, ensureCluster, type Home, openHome } from "./embedded-postgres/data-directory.ts";
import { withLock } from "./embedded-postgres/lock.ts";
import {
  findRunning,
  isRunning,
  type Postmaster,
  startPostmaster,
  stopPostmaster,
  urlOf,
} from "./embedded-postgres/postmaster.ts";
import { poll } from "./embedded-postgres/process.ts";
import { makeSocketDirectory, removeSocketDirectory } from "./embedded-postgres/socket-directory.ts";
import { isUsed, register } from "./embedded-postgres/users.ts";

/** How soon a process that joined notices that the server has ended. The one that started it is told at once. */
const watchMs = 1_000;

/** Statements and rows do not belong in a log file; nor do checkpoints. */
const quiet = {
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off",
  unix_socket_permissions: "0700",
};
const careless = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

/** The part of a pino logger that is used here. */
export interface EventLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface EmbeddedPostgresOptions {
  /** A directory of ours; made when missing. The cluster lies in `postgres/` below it. */
  readonly dataDirectory: string;
  readonly log: EventLog;
  readonly clock: Clock;
  /** Aborted: gives up the wait for other processes that have the directory locked. */
  readonly signal?: AbortSignal;
  /** For tests: nothing waits for the disk, so a power cut costs the data. */
  readonly ephemeral?: boolean;
  /** Further settings of the server, as in postgresql.conf. They do nothing where a running server is joined. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** For pg, libpq and psql alike: over a socket in a directory that only the server's user and root can enter. */
  readonly url: string;
  /** Of the server: "18.4" when this process started it, the major version alone when it joined it. */
  readonly version: string;
  readonly pid: number;
  /** Whether this process started the server. */
  readonly owner: boolean;
  /** Ends this process's use of the server, and the server with it when no other living process uses it. */
  stop(): Promise<void>;
  /** Resolves when the server has ended, by whatever cause, or when `stop` has let go of it. */
  readonly exited: Promise<void>;
}

/**
 * Real Postgres from the binaries that come through npm, for a start without a database.
 *
 * One server runs per directory, however many processes ask for it and whenever: the first starts it, the others join,
 * and the last living one to stop ends it. When a process is killed the server goes on; the next start joins it and, if
 * it is the last, ends it. So the server never disappears under somebody, and an orphan lives until the next clean stop.
 *
 * Not seen: a process in another container that shares the directory but not the process table. Postgres itself cannot
 * tell either. Give each container a directory of its own.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = await openHome(options.dataDirectory);
  const startOrJoin = async () => {
    const running = await findRunning(home, options.clock);
    return running === undefined ? start(home, options) : join(home, running, options);
  };
  return withLock(home.path, options.clock, startOrJoin, {
    ...(options.signal && { signal: options.signal }),
    onWait: (pid) =>
      options.log.info({ pid, dataDirectory: home.path }, "waits for the process that has the data directory locked"),
  });
}

async function start(home: Home, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, clock, ephemeral = false } = options;
  const binaries = await findBinaries(home.path, home.account);
  if (binaries.copiedBecause !== undefined) {
    log.info({ binaries: binaries.postgres, reason: binaries.copiedBecause }, "runs a copy of the Postgres programs");
  }
  await ensureCluster(home, binaries, !ephemeral);
  const { postmaster, child } = await startPostmaster({
    home,
    binaries,
    clock,
    socketDirectory: await makeSocketDirectory(home),
    settings: { ...quiet, ...(ephemeral ? careless : {}), ...options.settings },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const user = home.account?.name;
  log.info({ pid: postmaster.pid, dataDirectory: home.path, version: binaries.version, user }, "started Postgres");
  return use(home, postmaster, { owner: true, version: binaries.version, ended: () => ended }, options);
}

async function join(home: Home, postmaster: Postmaster, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const version = (await clusterMajor(home)) ?? "";
  const ended = (signal: AbortSignal) => watch(postmaster, options.clock, signal);
  options.log.info({ pid: postmaster.pid, dataDirectory: home.path, version }, "joined a running Postgres");
  return use(home, postmaster, { owner: false, version, ended }, options);
}

/** Registers this process as a user; called under the lock. */
async function use(
  home: Home,
  postmaster: Postmaster,
  about: {
    readonly owner: boolean;
    readonly version: string;
    readonly ended: (signal: AbortSignal) => Promise<void>;
  },
  { log, clock }: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const unregister = await register(home.path);
  const letGo = new AbortController();
  const letGone = new Promise<void>((resolve) => letGo.signal.addEventListener("abort", () => resolve()));
  let stopping: Promise<void> | undefined;
  const stop = () =>
    withLock(home.path, clock, async () => {
      await unregister();
      if (await isUsed(home.path)) log.info({ pid: postmaster.pid }, "left Postgres to the others that use it");
      else await end(postmaster, clock, log);
      letGo.abort();
    });
  return {
    url: urlOf(postmaster),
    version: about.version,
    pid: postmaster.pid,
    owner: about.owner,
    stop() {
      stopping ??= stop();
      return stopping;
    },
    exited: Promise.race([about.ended(letGo.signal), letGone]),
  };
}

async function end(postmaster: Postmaster, clock: Clock, log: EventLog): Promise<void> {
  await stopPostmaster(postmaster, clock);
  await removeSocketDirectory(postmaster.socketDirectory);
  log.info({ pid: postmaster.pid }, "stopped Postgres");
}

async function watch(postmaster: Postmaster, clock: Clock, signal: AbortSignal): Promise<void> {
  await poll(clock, { everyMs: watchMs, withinMs: Number.POSITIVE_INFINITY }, async () =>
    signal.aborted || !(await isRunning(postmaster)) ? true : undefined,
  );
}
