import { execFile } from "node:child_process";
import { open, rm } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Machine } from "./report.ts";

const run = promisify(execFile);

/** What of a machine its own programs know. */
export type Host = Pick<Machine, "cpu" | "cores" | "memoryGiB" | "platform" | "kernel" | "node" | "commit">;

export async function readHost(): Promise<Host> {
  const { stdout } = await run("git", ["describe", "--always", "--dirty", "--abbrev=12"], {
    cwd: import.meta.dirname,
  }).catch(() => ({ stdout: "unknown" }));
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
    node: process.version,
    commit: stdout.trim(),
  };
}

/** Over the last minute, 5 and 15. */
export function readLoad(): string {
  return loadavg()
    .map((load) => load.toFixed(2))
    .join(", ");
}

const WRITES = 50;
/** What Postgres's log is written in. */
const PAGE = Buffer.alloc(8_192, 7);

/** How long the disk of a directory takes to have a page that was just written: the median of some. */
export async function readFdatasyncMs(directory: string): Promise<number> {
  const path = join(directory, "fdatasync");
  const file = await open(path, "w");
  const ms: number[] = [];
  for (let i = 0; i < WRITES; i++) {
    await file.write(PAGE, 0, PAGE.length, 0);
    const fromMs = performance.now();
    await file.datasync();
    ms.push(performance.now() - fromMs);
  }
  await file.close();
  await rm(path);
  return ms.toSorted((a, b) => a - b)[WRITES / 2] ?? Number.NaN;
}
