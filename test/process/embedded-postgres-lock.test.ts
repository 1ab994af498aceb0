import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "../support/lock-contender.ts");

function contend(directory: string, times: number) {
  const child = spawn(process.execPath, [program, directory, String(times)], { stdio: ["ignore", "pipe", "inherit"] });
  return { child, exit: once(child, "exit"), lines: createInterface({ input: child.stdout }) };
}

test("one process at a time is inside, and those that are killed there keep nobody out", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-lock-"));
  try {
    const living = Array.from({ length: 3 }, () => contend(directory, 40));
    const doomed = Array.from({ length: 3 }, () => contend(directory, 1_000_000));
    for (const [n, { child, exit, lines }] of doomed.entries()) {
      let taken = 0;
      for await (const _ of lines) if (++taken === 5 + n) break;
      child.kill("SIGKILL");
      expect(await exit).toEqual([null, "SIGKILL"]);
    }
    for (const { exit } of living) expect(await exit).toEqual([0, null]);
    expect((await readdir(directory)).filter((name) => /^lock\.\d+$/.test(name))).toHaveLength(1);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
