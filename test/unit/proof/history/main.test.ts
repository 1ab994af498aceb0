import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Hand, hand } from "./lines.ts";

const MAIN = fileURLToPath(new URL("../../../../proof/history/main.ts", import.meta.url));

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-histories-"));
});

afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, { calls }: Hand): string {
  const path = join(directory, name);
  writeFileSync(path, calls.map(({ place: _, ...call }) => `${JSON.stringify(call)}\n`).join(""));
  return path;
}

/** Where there is no Go. */
function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    env: { PATH: directory },
  });
  return { status, stdout, stderr };
}

const honest = hand();
honest.acquire(0, "a", 10);
honest.complete(10, 10, "one");
honest.replay(20, "one");

const lying = hand();
lying.acquire(0, "a", 10);
lying.complete(10, 10, "one");
lying.replay(20, "two");

test("without Go the validators run, and it says that porcupine did not", () => {
  const { status, stdout } = run(write("honest", honest));
  expect(stdout).toContain("OK: 1 keys, 3 calls");
  expect(stdout).toContain("porcupine did not run: no go on PATH");
  expect(stdout).toContain("V3 0 of 1:");
  expect(status).toBe(0);
});

test("a violation is told with its lines, and ends it with 1", () => {
  const path = write("lying", lying);
  const { status, stdout } = run(path);
  expect(stdout).toContain("V3 1 VIOLATIONS of 1:");
  expect(stdout).toContain(`another result than the acknowledged one was replayed: ${path}:2 and ${path}:3`);
  expect(status).toBe(1);
});

test("the report can be had as JSON", () => {
  const report = JSON.parse(run("--json", write("honest", honest)).stdout);
  expect(report).toMatchObject({
    verdict: "OK",
    validated: { keys: 1, unknown: { calls: 3, unknown: 0 } },
    linearizability: { kind: "not-run", why: "no go on PATH" },
  });
});

test.each([
  ["a file that is not there", ["/nowhere"], "/nowhere"],
  ["no file", [], "no FILE was named"],
  ["an unknown flag", ["--jsno", "one"], "the flags are"],
])("%s is told in one line, and ends it with 2", (_, args, why) => {
  const { status, stdout, stderr } = run(...args);
  expect(stderr).toContain(why);
  expect(stderr).not.toContain("    at ");
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
});
