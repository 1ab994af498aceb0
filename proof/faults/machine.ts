import { execFile } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Machine } from "./report.ts";

const run = promisify(execFile);

export function readMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
  };
}

/** With "-dirty" where the tree holds something else than the commit. */
export async function readCommit(): Promise<string> {
  const { stdout } = await run("git", ["describe", "--always", "--dirty", "--abbrev=12"], {
    cwd: import.meta.dirname,
  }).catch(() => ({ stdout: "unknown" }));
  return stdout.trim();
}
