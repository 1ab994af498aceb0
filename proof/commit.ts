import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a report is of; with "-dirty" where the tree holds something else than the commit. */
export async function readCommit(): Promise<string> {
  const { stdout } = await run("git", ["describe", "--always", "--dirty", "--abbrev=12"], {
    cwd: import.meta.dirname,
  }).catch(() => ({ stdout: "unknown" }));
  return stdout.trim();
}
