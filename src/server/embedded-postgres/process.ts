import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { promisify } from "node:util";
import type { Clock } from "../../clock.ts";

const run = promisify(execFile);

/**
 * A name for a process that no later process gets: its id, the boot and its start time. A bare id is not enough, for the
 * system hands it out again, after a restart often the very same one. Undefined when there is no such process; a zombie
 * counts as gone, for an orphan may wait a long time for somebody to collect it.
 */
export async function identify(pid: number): Promise<string | undefined> {
  return process.platform === "linux" ? identifyByProc(pid) : identifyByPs(pid);
}

/** Whether the process that was given this name by `identify` still runs. */
export async function isAlive(identity: string): Promise<boolean> {
  const pid = pidOf(identity);
  return pid !== undefined && (await identify(pid)) === identity;
}

export function pidOf(identity: string): number | undefined {
  const pid = Number.parseInt(identity, 10);
  return pid > 0 ? pid : undefined;
}

/**
 * The living processes of a program that have this working directory, as far as they are ours to see. A server of
 * Postgres and all its children stay in their cluster's directory, and only its owner, or root, may start one.
 */
export async function processesIn(directory: string, program: string): Promise<readonly number[]> {
  return process.platform === "linux" ? processesByProc(directory, program) : processesByLsof(directory, program);
}

/** Looks every `everyMs` until `look` finds something; undefined when `withinMs` have passed without. */
export async function poll<T>(
  clock: Clock,
  bounds: { readonly everyMs: number; readonly withinMs: number },
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const end = clock.monotonicMs() + bounds.withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || clock.monotonicMs() >= end) return found;
    await clock.sleep(bounds.everyMs);
  }
}

async function identifyByProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the program's name in brackets and may hold anything, brackets and blanks included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return `${pid} ${boot.trim()} ${startTicks}`;
}

async function identifyByPs(pid: number): Promise<string | undefined> {
  const listed = await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)]).catch(() => undefined);
  const match = /^(\S+)\s+(.+?)\s*$/.exec(listed?.stdout.trim() ?? "");
  return match === null || match[1]?.startsWith("Z") ? undefined : `${pid} ${match[2]}`;
}

async function processesByProc(directory: string, program: string): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const there = await Promise.all(
    pids.map(async (pid) => {
      // A zombie has no working directory any more.
      if ((await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) !== directory) return false;
      return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim() === program;
    }),
  );
  return pids.filter((_, index) => there[index]).map(Number);
}

async function processesByLsof(directory: string, program: string): Promise<readonly number[]> {
  // Sets of lines: p<pid>, then n<working directory>. Having found nothing it fails, and prints nothing.
  const listed = await run("lsof", ["-a", "-d", "cwd", "-c", program, "-Fpn"]).catch((error) => error);
  const sets = String(listed.stdout ?? "").matchAll(/^p(\d+)\n(?:f.*\n)?n(.*)$/gm);
  return [...sets].flatMap(([, pid, path]) => (path === directory ? [Number(pid)] : []));
}
