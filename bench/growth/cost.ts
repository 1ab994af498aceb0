import { readFile } from "node:fs/promises";
import { withClient } from "../../src/store/postgres/connection.ts";

/** What a Postgres has spent since it started, over all its processes: those of clients, the log's writer, vacuum. */
export interface PostgresCost {
  /** Of the processor. NaN where there is no /proc to read it from. */
  readonly cpuMicros: number;
  /** Of the write-ahead log, of every database. */
  readonly walBytes: number;
}

/** Costs between two readings are a matter of subtraction. Whoever reads takes a connection for it, which costs too. */
export type ReadCost = () => Promise<PostgresCost>;

export async function createReadCost(url: string): Promise<ReadCost> {
  const postmaster = await findPostmaster(url);
  return async () => {
    const walBytes = await withClient({ url }, async (client) => {
      const { rows } = await client.query<{ bytes: string }>("select pg_current_wal_insert_lsn() - '0/0' as bytes");
      return Number(rows[0]?.bytes);
    });
    return { cpuMicros: await cpuMicrosOf(postmaster), walBytes };
  };
}

/** Of those that run, in nanoseconds: an arm may take less than a second. Of those that have ended, in hundredths of one. */
async function cpuMicrosOf(postmaster: number): Promise<number> {
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, "utf8").catch(() => null);
  if (children === null) return Number.NaN;
  const pids = [String(postmaster), ...children.trim().split(/\s+/)];
  const nanos = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/schedstat`, "utf8").then(firstNumber, () => 0)),
  );
  const { endedMicros } = await readStat(postmaster);
  return nanos.reduce((sum, each) => sum + each, 0) / 1000 + endedMicros;
}

/** The process that started the one which serves this connection. */
async function findPostmaster(url: string): Promise<number> {
  return withClient({ url }, async (client) => {
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    return (await readStat(rows[0]?.pid ?? 0)).parent;
  });
}

const TICK_MICROS = 10_000;

/** The process that started it, and what its children that have ended took of the processor. */
async function readStat(pid: number): Promise<{ readonly parent: number; readonly endedMicros: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // From the third field on: the second is the program's name, in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3] ?? 0);
  return { parent: field(4), endedMicros: (field(16) + field(17)) * TICK_MICROS };
}

function firstNumber(text: string): number {
  return Number(text.split(" ")[0]);
}

/** Resident MiB of a process; NaN where there is no /proc. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
