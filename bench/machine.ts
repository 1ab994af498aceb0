import { execFile } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Machine } from "./report.ts";

const run = promisify(execFile);

/** What the figures are of. */
export async function readMachine(postgres: string): Promise<Machine> {
  const { stdout } = await run("git", ["describe", "--always", "--dirty", "--abbrev=12"], {
    cwd: import.meta.dirname,
  }).catch(() => ({ stdout: "unknown" }));
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres,
    commit: stdout.trim(),
  };
}
