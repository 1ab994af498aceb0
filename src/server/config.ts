import { join } from "node:path";
import { CALLER_OPTIONS } from "./config/caller-options.ts";
import { DATABASE_OPTIONS } from "./config/database-options.ts";
import { GUARD_OPTIONS } from "./config/guard-options.ts";
import { address, choice, count, databaseUrl, duration, file, flag, path } from "./config/kinds.ts";
import { orWord } from "./config/memory-kind.ts";
import { NETWORK_OPTIONS } from "./config/network-options.ts";
import { COMMANDS, type Command, type Environment, type Option, option } from "./config/option.ts";
import { TENANT_OPTIONS } from "./config/tenant-options.ts";
import { WORKERS_MAX } from "./limits.ts";

/**
 * Every setting there is, in the order of the help texts. The parser, `--help`, `holdfast config`, the schema of
 * configuration files and docs/configuration.md all read this table and nothing else does the same job twice.
 */
export const OPTIONS = {
  configFile: option<string | null>({
    name: "config",
    kind: file,
    default: null,
    defaultDoc: "none",
    doc: "Settings in YAML or JSON, under their names without the dashes. Flags and variables win over it. It is read once.",
    commands: COMMANDS,
  }),
  databaseUrl: option<string | null>({
    name: "database-url",
    kind: databaseUrl,
    default: null,
    defaultDoc: "none: an embedded Postgres",
    doc: "The Postgres that keeps the records, 15 to 18. Without it, real Postgres is started from the installed binaries and kept in --data-dir.",
    commands: ["serve", "migrate", "config", "admin", "doctor", "audit"],
  }),
  listenUrl: option<string | null>({
    name: "listen-url",
    kind: databaseUrl,
    default: null,
    defaultDoc: "--database-url",
    doc: "A direct connection for LISTEN where --database-url leads to a pooler, which may not pass notifications on; without them those who wait for another server poll every 250 ms. Not used with the embedded Postgres.",
    commands: ["serve", "config", "doctor"],
  }),
  ...DATABASE_OPTIONS,
  dataDir: option<string>({
    name: "data-dir",
    kind: path,
    default: defaultDataDir,
    defaultDoc: "$XDG_DATA_HOME/holdfast, else ~/.local/share/holdfast, or /var/lib/holdfast for root",
    doc: "Where the embedded Postgres keeps its data. Not used with --database-url.",
    commands: ["serve", "migrate", "config", "admin", "doctor", "audit"],
  }),
  grpcAddress: option({
    name: "grpc-address",
    kind: address,
    default: { host: "127.0.0.1", port: 7400 },
    doc: "Where gRPC is served; port 0 takes any free one. Other than loopback addresses need --auth, and --tls-cert or --allow-plaintext.",
    commands: ["serve", "config"],
  }),
  httpAddress: option({
    name: "http-address",
    kind: address,
    default: { host: "127.0.0.1", port: 7401 },
    doc: "Where Connect JSON, gRPC-Web, /metrics, /livez and /readyz are served. The same rule of loopback holds.",
    commands: ["serve", "health", "config", "doctor"],
  }),
  workers: option({
    name: "workers",
    kind: orWord(count(1, WORKERS_MAX), "auto"),
    default: 1,
    doc: "Processes that serve both ports together, each with database connections of its own. auto: one for each processor that there is for this server. Another takes the place of one that has ended. See docs/scaling.md.",
    commands: ["serve", "config"],
  }),
  migrate: option<boolean | null>({
    name: "migrate",
    kind: flag,
    default: null,
    defaultDoc: "on for the embedded database, off with --database-url",
    doc: "Bring the schema up to date at start-up. When off, a schema that this version does not know is refused.",
    commands: ["serve", "config"],
  }),
  logLevel: option<"debug" | "info" | "warn" | "error">({
    name: "log-level",
    kind: choice("debug", "info", "warn", "error"),
    default: "info",
    doc: "The least important events that are logged. Single calls are debug.",
    commands: ["serve", "migrate", "config"],
  }),
  logFormat: option<"auto" | "json" | "text">({
    name: "log-format",
    kind: choice("auto", "json", "text"),
    default: "auto",
    doc: "One JSON object or one line of text per event, on standard output; of migrate on standard error. auto: text on a terminal, else JSON.",
    commands: ["serve", "migrate", "config"],
  }),
  drainDelayMs: option({
    name: "drain-delay",
    kind: duration("0", "5m"),
    default: 0,
    doc: "After SIGTERM: how long the server reports not ready and serves on, so that load balancers notice. 0 is right on one machine; 5s is usual in Kubernetes.",
    commands: ["serve", "config"],
  }),
  drainGraceMs: option({
    name: "drain-grace",
    kind: duration("0", "10m"),
    default: 10_000,
    doc: "After that: how long calls in flight may take to finish before they are cut off.",
    commands: ["serve", "config"],
  }),
  sweepIntervalMs: option({
    name: "sweep-interval",
    kind: duration("100ms", "1h"),
    default: 10_000,
    doc: "How often this server deletes what is past its retention; its workers take turns. Any number of servers may sweep at once.",
    commands: ["serve", "config"],
  }),
  maxConnectionAgeMs: option({
    name: "max-connection-age",
    kind: duration("1s", "24h"),
    default: 30 * 60_000,
    doc: "A gRPC connection is asked to go away after this time, give or take a tenth, so that clients spread over new servers. Calls in flight finish.",
    commands: ["serve", "config"],
  }),
  maxConcurrentStreams: option({
    name: "max-concurrent-streams",
    kind: count(1, 100_000),
    default: 1000,
    doc: "Calls at once on one gRPC connection; a client that obeys HTTP/2 holds the others back.",
    commands: ["serve", "config"],
  }),
  maxQueueCalls: option({
    name: "max-queue-calls",
    kind: count(1, 10_000_000),
    default: 32_768,
    doc: "Calls that wait for the database, for each kind of statement; beyond it calls are refused with OVERLOADED.",
    commands: ["serve", "config"],
  }),
  maxQueueBytes: option({
    name: "max-queue-bytes",
    kind: count(2_097_152, 8_589_934_592),
    default: 67_108_864,
    doc: "The same in bytes.",
    commands: ["serve", "config"],
  }),
  allowUnsafeDatabase: option({
    name: "allow-unsafe-database",
    kind: flag,
    default: false,
    doc: "Start although the database may lose what it has acknowledged (fsync, full_page_writes or synchronous_commit off). For tests.",
    commands: ["serve", "config"],
  }),
  ...GUARD_OPTIONS,
  ...NETWORK_OPTIONS,
  ...TENANT_OPTIONS,
  timeoutMs: option({
    name: "timeout",
    kind: duration("100ms", "1m"),
    default: 3000,
    doc: "How long to wait for the server's answer.",
    commands: ["health", "tenants", "apikeys", "keys", "bench", "doctor"],
  }),
  ...CALLER_OPTIONS,
} as const;

export type Setting = keyof typeof OPTIONS;

type ValueOf<O> = O extends Option<infer Value> ? Value : never;

/** One value per option. */
export type Config = { readonly [Name in Setting]: ValueOf<(typeof OPTIONS)[Name]> };

export const SETTINGS = Object.keys(OPTIONS) as readonly Setting[];

export function optionsOf(command: Command): readonly Setting[] {
  return SETTINGS.filter((setting) => OPTIONS[setting].commands.includes(command));
}

function defaultDataDir(env: Environment): string {
  // Postgres does not run as root but as another user, who is kept out of /root.
  if (!env["XDG_DATA_HOME"] && process.getuid?.() === 0) return "/var/lib/holdfast";
  const base = env["XDG_DATA_HOME"] || join(env["HOME"] || ".", ".local", "share");
  return join(base, "holdfast");
}
