import type { ServerProcess } from "../../../test/process/server.ts";
import type { TcpProxy } from "../../../test/support/tcp-proxy.ts";
import type { Shim } from "../shim/shim.ts";
import type { StandPooler } from "./pooler.ts";

/** What a stand is made of. */
export interface StandOptions {
  readonly servers: number;
  /** Of the primary; "none": no standby. A synchronous one is waited for by every commit. */
  readonly standby: "none" | "synchronous" | "asynchronous";
  /** Leads the servers' statements through PgBouncer in transaction mode, its listeners past it. */
  readonly pooler: boolean;
  /** Loads the shim into Postgres: slow or failing writes, another clock, a loss of power. See shim/shim.ts. */
  readonly shim: boolean;
  /** Further settings of Postgres, as in postgresql.conf. */
  readonly settings: Readonly<Record<string, string>>;
  /** Further arguments of every server. */
  readonly serverArgs: readonly string[];
  /** The tree whose src/main.ts the servers run; for mutants and other builds. Null: this one. */
  readonly tree: string | null;
  /** Tenants besides the default one. */
  readonly tenants: readonly string[];
}

/** Servers, their database and the links between, all on this machine. */
export interface Stand extends AsyncDisposable {
  readonly options: StandOptions;
  readonly servers: readonly StandServer[];
  /** The one that takes writes; another one after `failOver`. */
  readonly primary: StandDatabase;
  readonly standby: StandDatabase | null;
  /** Null: the servers speak to the database themselves. */
  readonly pooler: StandPooler | null;
  /** Kills the primary if it runs, promotes the standby and points every link to it. */
  failOver(): Promise<void>;
  /** A new standby for the primary, in step with it. */
  followAnew(): Promise<void>;
  /** What went wrong by itself: ends of processes that nobody asked for, log lines at `error` or above that name a bug or INTERNAL, unhandled rejections. */
  mishaps(): readonly string[];
}

export interface StandServer {
  /** "s1" */
  readonly name: string;
  /** host:port of `callers`: the same over its whole life, however often it is started. */
  readonly address: string;
  readonly process: ServerProcess;
  /** Between those who call it and it. */
  readonly callers: TcpProxy;
  /** Between it and the database (or the pooler). */
  readonly database: TcpProxy;
  /** Between it and the database, of the connection that listens. */
  readonly listener: TcpProxy;
  readonly isRunning: boolean;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it is gone, with how long that took. */
  stop(): Promise<{ readonly ms: number; readonly code: number | null }>;
  /** Behind the same address, with the same arguments but for these; resolves when it is ready. */
  start(change?: { readonly tree?: string | null; readonly args?: readonly string[] }): Promise<void>;
  /** SIGSTOP, SIGCONT */
  signal(signal: NodeJS.Signals): void;
  /** Of its page of metrics: the sum of all samples of this name, of those with these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

/** A Postgres of the stand's own. */
export interface StandDatabase {
  readonly port: number;
  /** Its data directory. */
  readonly data: string;
  /** Null: `StandOptions.shim` was not asked for. */
  readonly shim: Shim | null;
  url(database?: string): string;
  /** As the superuser, past every proxy and pooler; rows of the last statement. */
  sql(text: string): Promise<readonly Record<string, unknown>[]>;
  readonly isRunning: boolean;
  /** "kill": SIGKILL of the postmaster and of every process of it. */
  stop(mode: "fast" | "immediate" | "kill"): Promise<void>;
  start(): Promise<void>;
  /** It may end by itself meanwhile, which is no mishap then. */
  letEnd<T>(act: () => Promise<T>): Promise<T>;
  /** SIGKILL of one of its processes, after which it restarts all the others; resolves when it takes connections again. */
  crash(pid: number): Promise<void>;
  /** Process ids of its backends that serve the servers. */
  backends(): Promise<readonly number[]>;
  /** Takes hold at once, but for what needs a new start. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
  /** How many durability barriers of the servers its log holds from there on (`select pg_current_wal_lsn()`). */
  barriersSince(lsn: string): Promise<number>;
}
