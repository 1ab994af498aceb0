import { execFile } from "node:child_process";
import { appendFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePorts } from "../../../src/cli/demo/ports.ts";
import { spawnAs } from "../../../src/server/embedded-postgres/account.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import type { IssuedCertificate } from "../../support/certificates.ts";
import type { Program } from "./packages.ts";
import { openPlace, type Place, type ProgramProcess, startProgram } from "./program-process.ts";

const run = promisify(execFile);

/** A Postgres of one's own on a port of 127.0.0.1, to be stopped, killed, copied and promoted. */
export interface Cluster extends AsyncDisposable {
  readonly port: number;
  /** As the superuser `postgres`, unless another role is named. */
  url(database?: string, user?: string): string;
  /** Runs statements as the superuser; rows of the last one. */
  sql(text: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  start(): Promise<void>;
  /** `immediate` is what a crash is, and `kill` a crash of which not even its own processes are told. */
  stop(mode: keyof typeof STOP_SIGNALS): Promise<void>;
  promote(): Promise<void>;
  /** Added to its configuration; to be read at the next start, or `reload`. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Replaces the rules of who may connect how. */
  allow(...rules: readonly string[]): Promise<void>;
  reload(): Promise<void>;
  /** Offers TLS with this certificate. */
  encrypt(certificate: IssuedCertificate): Promise<void>;
  /** A standby that follows it, under this name, started. */
  standby(name: string): Promise<Cluster>;
  /** How often the durability barrier was written to the log on the timeline that it is on now. */
  barriers(): Promise<number>;
}

const STOP_SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" } as const;

const TRUST = ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"];

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "'127.0.0.1'",
  max_connections: "100",
  shared_buffers: "'32MB'",
  wal_level: "replica",
  // Against a slow disk; what a crash of Postgres alone loses, the operating system still has.
  fsync: "off",
  // The default is 'on', and a standby that has just been named is waited for from then on.
  synchronous_commit: "on",
  wal_receiver_status_interval: "'1s'",
  wal_retrieve_retry_interval: "'200ms'",
};

export async function createCluster(program: Program): Promise<Cluster> {
  const place = await openPlace("postgres");
  const data = join(place.path, "data");
  await tool(program, place, "initdb", ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8"]);
  const cluster = await createOn(program, place);
  await cluster.configure(SETTINGS);
  await cluster.allow(...TRUST);
  await cluster.start();
  return cluster;
}

async function createOn(program: Program, place: Place): Promise<Cluster> {
  const data = join(place.path, "data");
  const port = await freePort();
  let server: ProgramProcess | null = null;

  const url = (database = "postgres", user = "postgres") => `postgresql://${user}@127.0.0.1:${port}/${database}`;
  const sql: Cluster["sql"] = (text, database) =>
    withClient({ url: url(database) }, async (client) => {
      const results = [await client.query(text)].flat();
      return results.at(-1)?.rows ?? [];
    });
  const control = (...args: readonly string[]) => tool(program, place, "pg_ctl", ["-D", data, "-w", ...args]);
  const configure: Cluster["configure"] = async (settings) => {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    await appendFile(join(data, "postgresql.conf"), lines.join(""));
  };

  return {
    port,
    url,
    sql,
    configure,
    async start() {
      const args = ["-D", data, "-p", String(port), "-k", join(place.path, "run")];
      server = await startProgram(program, args, { stopSignal: "QUIT", account: place.account });
      await server.said(/database system is ready to accept (read-only )?connections/);
    },
    async stop(mode) {
      server?.signal(STOP_SIGNALS[mode]);
      await server?.exited;
    },
    async promote() {
      await control("promote");
    },
    async allow(...rules) {
      await writeFile(join(data, "pg_hba.conf"), `${rules.join("\n")}\n`);
      await place.give();
    },
    async reload() {
      await control("reload");
    },
    async encrypt({ certPem, keyPem }) {
      await writeFile(join(data, "server.crt"), certPem);
      await writeFile(join(data, "server.key"), keyPem, { mode: 0o600 });
      await place.give();
      await configure({ ssl: "on" });
      await control("reload");
    },
    async standby(name) {
      const copy = await openPlace("standby");
      const from = `host=127.0.0.1 port=${port} user=postgres application_name=${name}`;
      const args = ["-D", join(copy.path, "data"), "-d", from, "-R", "-X", "stream", "-c", "fast", "--no-sync"];
      await tool(program, copy, "pg_basebackup", args);
      const follower = await createOn(program, copy);
      await follower.start();
      return follower;
    },
    async barriers() {
      const [row] = await sql("select pg_walfile_name(pg_switch_wal()) as last");
      const last = String(row?.["last"]);
      const files = await readdir(join(data, "pg_wal"));
      const ours = files.filter(
        (name) => /^[0-9A-F]{24}$/.test(name) && name.startsWith(last.slice(0, 8)) && name <= last,
      );
      const dumped = await Promise.all(
        ours.map((name) => tool(program, place, "pg_waldump", ["-r", "LogicalMessage", join(data, "pg_wal", name)])),
      );
      return dumped.join("").split('prefix "holdfast"').length - 1;
    },
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

async function tool(program: Program, place: Place, name: string, args: readonly string[]): Promise<string> {
  const path = join(dirname(program.path), name);
  const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC", ...program.env };
  return (await run(path, args, { ...spawnAs(place.account), cwd: "/", env, timeout: 60_000 })).stdout;
}

/** One that nobody has, nor is given while a program that is to have it starts. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("bug: no port");
  return port;
}

/** A client of the driver, without any of ours between. */
export async function withPlainClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
