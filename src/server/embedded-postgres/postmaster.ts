import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { spawnAs } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import type { Home } from "./data-directory.ts";
import { EmbeddedPostgresError } from "./error.ts";
import { identify, poll, processesIn } from "./process.ts";
import { port } from "./socket-directory.ts";

/** A running server, as its postmaster.pid describes it. */
export interface Postmaster {
  readonly identity: string;
  readonly pid: number;
  readonly socketDirectory: string;
  readonly port: number;
}

/** Recovery after a crash replays at most some gigabytes of log, and reads them from the disk. */
const readyMsMax = 300_000;
/** A fast shutdown rolls back and writes a last checkpoint; an immediate one only ends the processes. */
const fastMsMax = 30_000;
const immediateMsMax = 10_000;
const pollMs = 10;
const logBytesMax = 1_048_576;

/**
 * The server that runs on the cluster, ready to be connected to; undefined when there is none. One that is starting or
 * stopping is waited for. Call under the lock.
 *
 * A postmaster.pid that outlived its server is removed here, once nothing of that server works in the cluster any more.
 * Left to itself Postgres refuses to start when the id in it is another program's by now, as after every restart of a
 * container, and when the killed server's parent never asked how it ended.
 */
export async function findRunning(home: Home, clock: Clock): Promise<Postmaster | undefined> {
  const found = await poll(clock, { everyMs: pollMs, withinMs: readyMsMax }, async () => {
    const file = await readPidFile(home);
    const working = await processesIn(home.cluster, "postgres");
    if (working.length === 0) {
      await rm(join(home.cluster, "postmaster.pid"), { force: true });
      return "none";
    }
    // Else they are the children of a killed server, who leave as soon as they notice.
    if (file?.status !== "ready" || !working.includes(file.pid)) return undefined;
    const identity = await identify(file.pid);
    return identity === undefined ? undefined : { ...file, identity };
  });
  if (found === "none") return undefined;
  if (found === undefined) {
    const pids = (await processesIn(home.cluster, "postgres")).join(", ");
    throw new EmbeddedPostgresError(
      "DIRECTORY_BUSY",
      `a Postgres (${pids}) has ${home.cluster} open, but takes no connections after ${readyMsMax / 1000} s`,
    );
  }
  if (await accepts(found)) return found;
  throw new EmbeddedPostgresError(
    "DIRECTORY_BUSY",
    `a Postgres (process ${found.pid}) has ${home.cluster} open, but its socket in ${found.socketDirectory} does not ` +
      `answer; stop it with: kill -INT ${found.pid}`,
  );
}

export interface StartOptions {
  readonly home: Home;
  readonly binaries: Binaries;
  readonly clock: Clock;
  readonly socketDirectory: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** Starts the server and answers when it takes connections. Call under the lock, when `findRunning` found none. */
export async function startPostmaster(
  options: StartOptions,
): Promise<{ readonly postmaster: Postmaster; readonly child: ChildProcess }> {
  const { home, clock } = options;
  const from = await makeRoomInLog(home);
  const child = await spawnPostmaster(options);
  const postmaster = await becomesReady(home, clock, child);
  if (postmaster !== undefined) return { postmaster, child };
  const said = (await readFile(home.logFile)).subarray(from).toString("utf8").trim();
  throw new EmbeddedPostgresError(
    "START_FAILED",
    `Postgres did not start on ${home.cluster}; it said:\n${said || "nothing"}\n(more in ${home.logFile})`,
  );
}

/** Ends the server: politely, then, if that takes too long, less so, which the next start makes good. */
export async function stopPostmaster(postmaster: Postmaster, clock: Clock): Promise<void> {
  for (const [signal, withinMs] of [
    ["SIGINT", fastMsMax],
    ["SIGQUIT", immediateMsMax],
  ] as const) {
    if (!(await isRunning(postmaster))) return;
    process.kill(postmaster.pid, signal);
    const gone = await poll(clock, { everyMs: pollMs, withinMs }, async () =>
      (await isRunning(postmaster)) ? undefined : true,
    );
    if (gone) return;
  }
  throw new EmbeddedPostgresError("STOP_FAILED", `Postgres (process ${postmaster.pid}) does not end`);
}

/** For pg, libpq and psql alike. */
export function urlOf({ socketDirectory, port }: Pick<Postmaster, "socketDirectory" | "port">): string {
  return `postgres:///postgres?host=${encodeURIComponent(socketDirectory)}&port=${port}&user=postgres`;
}

export async function isRunning(postmaster: Postmaster): Promise<boolean> {
  return (await identify(postmaster.pid)) === postmaster.identity;
}

async function spawnPostmaster({ home, binaries, socketDirectory, settings }: StartOptions): Promise<ChildProcess> {
  const all = { listen_addresses: "", unix_socket_directories: socketDirectory, port, ...settings };
  const log = await open(home.logFile, "a", 0o600);
  try {
    const child = spawn(
      binaries.postgres,
      ["-D", home.cluster, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      {
        ...spawnAs(home.account),
        cwd: "/",
        env: { LC_ALL: "C", TZ: "UTC", PATH: process.env["PATH"] },
        // A session of its own: Ctrl-C in a terminal goes to the whole group, and must not end the database before us.
        detached: true,
        // A file, not a pipe: should this process be killed, the server goes on and has somewhere to write.
        stdio: ["ignore", log.fd, log.fd],
      },
    );
    await once(child, "spawn");
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function becomesReady(home: Home, clock: Clock, child: ChildProcess): Promise<Postmaster | undefined> {
  const found = await poll(clock, { everyMs: pollMs, withinMs: readyMsMax }, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return "ended";
    const file = await readPidFile(home);
    const identity = file?.pid === child.pid && file?.status === "ready" ? await identify(file.pid) : undefined;
    return file === undefined || identity === undefined ? undefined : { ...file, identity };
  });
  if (found === "ended") return undefined;
  if (found === undefined) child.kill("SIGQUIT");
  return found;
}

/** Lines of postmaster.pid: pid, data directory, start time, port, socket directory, address, memory, status. */
export async function readPidFile(
  home: Pick<Home, "cluster">,
): Promise<(Omit<Postmaster, "identity"> & { readonly status: string }) | undefined> {
  const text = await readFile(join(home.cluster, "postmaster.pid"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (text === undefined) return undefined;
  const [pid = "", , , portLine = "", socketDirectory = "", , , status = ""] = text.split("\n");
  return { pid: Number(pid), port: Number(portLine), socketDirectory, status: status.trim() };
}

export function accepts({ socketDirectory, port }: Pick<Postmaster, "socketDirectory" | "port">): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(join(socketDirectory, `.s.PGSQL.${port}`));
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function makeRoomInLog(home: Home): Promise<number> {
  const size = (await stat(home.logFile).catch(() => undefined))?.size ?? 0;
  if (size <= logBytesMax) return size;
  await rename(home.logFile, `${home.logFile}.1`);
  return 0;
}
