import { execFile } from "node:child_process";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePorts } from "../../../src/cli/demo/ports.ts";
import { systemClock } from "../../../src/clock.ts";
import { poll, processesIn } from "../../../src/server/embedded-postgres/process.ts";
import { type ProgramProcess, startProgram } from "../../../test/infra/support/program-process.ts";
import type { Shim } from "../shim/shim.ts";
import type { Place } from "./place.ts";
import type { Programs } from "./programs.ts";
import type { StandDatabase } from "./stand.ts";

const run = promisify(execFile);

/** The one that the servers work in, and the role that they are given, who is no superuser. */
export const DATABASE = "holdfast";
export const ROLE = "holdfast";

/** A Postgres of a data directory that lies in its place already. */
export interface OwnPostgres extends StandDatabase, AsyncDisposable {
  /** Follows that one, under this name, from its next start on. */
  becomeStandbyOf(port: number, name: string): Promise<void>;
  /** Makes a standby the primary. */
  promote(): Promise<void>;
  /** Waits until what was sent to it is true, asking again and again. */
  until(question: string): Promise<void>;
}

export interface PostgresOptions {
  readonly place: Place;
  readonly programs: Programs;
  readonly shim?: Shim | null;
  /** A crash of its own counts as a mishap unless it was asked for. */
  readonly onUnasked: (what: string) => void;
}

const STOP_SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT" } as const;
const READY = "database system is ready to accept connections";
const STOP_MS_MAX = 30_000;
const ANSWER_MS_MAX = 30_000;

export async function createPostgres({
  place,
  programs,
  shim = null,
  onUnasked,
}: PostgresOptions): Promise<OwnPostgres> {
  const data = join(place.path, "data");
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("bug: no port");
  let server: ProgramProcess | null = null;
  let mayEnd = false;

  const url = (database: string = DATABASE) => `postgresql://postgres@127.0.0.1:${port}/${database}`;
  const sql: StandDatabase["sql"] = async (text) => {
    const client = new pg.Client({ connectionString: url(), application_name: "stand" });
    client.on("error", () => undefined); // What is under way fails by itself.
    await client.connect();
    try {
      return [await client.query(text)].flat().at(-1)?.rows ?? [];
    } finally {
      await client.end();
    }
  };
  const start = async () => {
    const args = ["-D", data, "-p", String(port), "-k", join(place.path, "run")];
    const program = { ...programs.program, env: { ...programs.program.env, ...shim?.env } };
    const started = await startProgram(program, args, { stopSignal: "QUIT", account: place.account });
    server = started;
    void started.exited.then((code) => {
      if (server !== started) return;
      server = null;
      if (mayEnd) return;
      onUnasked(`Postgres on port ${port} ended with ${code}: ${started.output().slice(-500)}`);
    });
    await started.said(new RegExp(`${READY}|ready to accept read-only connections`));
  };
  const stop: StandDatabase["stop"] = async (mode) => {
    const stopping = server;
    server = null;
    if (stopping === null) return;
    // Its processes know of each other: whichever is left alone would end by itself, but not at once.
    const pids = mode === "kill" ? await processesIn(data, "postgres") : [];
    if (mode === "kill") for (const pid of pids) killed(pid);
    else stopping.signal(STOP_SIGNALS[mode]);
    await stopping.exited;
    await untilGone(data);
  };

  return {
    ...{ port, data, shim, url, sql, start, stop },
    get isRunning() {
      return server !== null;
    },
    async letEnd(act) {
      mayEnd = true;
      try {
        return await act();
      } finally {
        mayEnd = false;
      }
    },
    async crash(pid) {
      const crashing = server;
      if (crashing === null) throw new Error("bug: a crash of what does not run");
      const from = crashing.output().length;
      killed(pid);
      await crashing.said(new RegExp(READY), from);
    },
    async backends() {
      const rows = await sql(
        `select pid from pg_stat_activity where usename = '${ROLE}' and backend_type = 'client backend'`,
      );
      return rows.map((row) => Number(row["pid"]));
    },
    async configure(settings) {
      await writeSettings(data, settings);
      if (server !== null) await sql("select pg_reload_conf()");
    },
    async barriersSince(lsn) {
      await sql("create extension if not exists pg_walinspect");
      const [row] = await sql(`
        select count(*)::int as count
          from pg_get_wal_records_info('${lsn}', pg_current_wal_flush_lsn())
         where resource_manager = 'LogicalMessage' and description like '%prefix "holdfast"%'`);
      return Number(row?.["count"]);
    },
    async becomeStandbyOf(primaryPort, name) {
      const from = `host=127.0.0.1 port=${primaryPort} user=postgres application_name=${name}`;
      // As a primary it waits for nobody, unless it is told to.
      await writeSettings(data, { primary_conninfo: from, synchronous_standby_names: "" });
      await writeFile(join(data, "standby.signal"), "");
      await place.give();
    },
    async promote() {
      await sql("select pg_promote(true, 30)");
    },
    async until(question) {
      const withinMs = ANSWER_MS_MAX;
      const isTrue = async () => {
        const [row] = await sql(question).catch(() => []);
        return Object.values(row ?? {})[0] === true ? true : undefined;
      };
      if (await poll(systemClock, { everyMs: 25, withinMs }, isTrue)) return;
      throw new Error(`not true after ${withinMs / 1000} s on port ${port}: ${question}`);
    },
    [Symbol.asyncDispose]: () => stop("immediate"),
  };
}

/** Of them the last one of a name counts. */
export async function writeSettings(data: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
  await appendFile(join(data, "postgresql.conf"), lines.join(""));
}

/** With their owner, and at once where the file system shares what is the same. Files that go meanwhile are left out. */
export async function copyDirectory(from: string, to: string): Promise<void> {
  await run("cp", ["-a", from, to], { env: { PATH: process.env["PATH"], LC_ALL: "C" } }).catch((error) => {
    const complaints = String(error.stderr).trim().split("\n");
    if (!complaints.every((line) => line.endsWith("No such file or directory"))) throw error;
  });
}

function killed(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function untilGone(data: string): Promise<void> {
  const isGone = async () => ((await processesIn(data, "postgres")).length === 0 ? true : undefined);
  if (await poll(systemClock, { everyMs: 5, withinMs: STOP_MS_MAX }, isGone)) return;
  throw new Error(`Postgres in ${data} does not end`);
}
