import { readFile } from "node:fs/promises";

/** A second has so many of what Linux counts a process's time in, whatever the machine. */
const TICKS = 100;

/** Of the processor, by a process and those that it has started, since their starts. NaN where there is no /proc. */
export async function cpuMicrosOfTree(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => null);
  if (children === null) return Number.NaN;
  const pids = [String(pid), ...children.trim().split(/\s+/)].filter((each) => each !== "");
  const micros = await Promise.all(pids.map(cpuMicrosOf));
  return micros.reduce((sum, each) => sum + each, 0);
}

async function cpuMicrosOf(pid: string): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The program's name, in brackets, may hold anything; behind it the state is the first, user and system the 12th and 13th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS;
}
