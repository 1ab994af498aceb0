import { expect, test } from "vitest";
import { readConfig } from "../../../src/server/config/read.ts";
import { workersOf } from "../../../src/server/config/worker-count.ts";
import { shareProblem } from "../../../src/server/guards/memory.ts";
import { WORKER_MEMORY_BYTES_MIN } from "../../../src/server/limits.ts";

const HOME = { HOME: "/home/me" };

function problemsOf(
  args: readonly string[],
  env: Record<string, string> = HOME,
  command: "serve" | "config" = "serve",
) {
  const read = readConfig(command, args, env);
  return read.kind === "problems" ? read.problems : [];
}

test("less memory than that many workers need with nothing to do is refused, by both names and what is allowed", () => {
  expect(problemsOf(["--max-memory", "256MiB", "--workers", "4"])).toEqual([
    "--max-memory and --workers: 256 MiB for 4 workers is 64 MiB for each, and each needs 192 MiB before it has work: " +
      "allow 768 MiB or more, or 1 worker at most",
  ]);
  expect(problemsOf(["--max-memory=1GiB"], { ...HOME, HOLDFAST_WORKERS: "6" })).toEqual([
    "--max-memory and HOLDFAST_WORKERS: 1024 MiB for 6 workers is 170 MiB for each, and each needs 192 MiB before it " +
      "has work: allow 1152 MiB or more, or 5 workers at most",
  ]);
});

test.each([
  [["--max-memory", "768MiB", "--workers", "4"]],
  [["--max-memory", "off", "--workers", "64"]],
  [["--max-memory", "64MiB"]],
  [["--workers", "64"]],
])("%j is not", (args) => {
  expect(problemsOf(args)).toEqual([]);
});

test("what auto stands for is judged where the server runs, and not where its settings are looked at", () => {
  const args = ["--max-memory", "1MiB", "--workers", "auto"];
  expect(problemsOf(args)).toHaveLength(workersOf({ workers: 0 }) > 1 ? 1 : 0);
  expect(problemsOf(args, HOME, "config")).toEqual([]);
});

test("a container's share is judged like a flag's, and no limit is enough for all", () => {
  expect(shareProblem(2 * WORKER_MEMORY_BYTES_MIN - 1, 2)).toMatch(/^383 MiB for 2 workers is 191 MiB for each/);
  expect(shareProblem(2 * WORKER_MEMORY_BYTES_MIN, 2)).toBeNull();
  expect(shareProblem(Number.POSITIVE_INFINITY, 64)).toBeNull();
});
