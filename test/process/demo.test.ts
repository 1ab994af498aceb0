import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateDeliveries } from "../../scripts/generate-deliveries.ts";
import type { Report } from "../../src/cli/demo/report.ts";
import { place } from "../support/data-directory.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

/** A demo takes seconds on a quiet machine; nothing is asserted about that, so a busy one may take its time. */
const DEMO_MS_MAX = 240_000;

/** Short, because a socket's path goes below it, and open to whoever Postgres runs as. */
let directory = "";
let log = "";

beforeAll(async () => {
  directory = await mkdtemp(join(place, "hf-demo-"));
  await chmod(directory, 0o755);
  log = join(directory, "log.ndjson");
  await writeFile(log, generateDeliveries({ seed: "process test", events: 60, deliveries: 200, altered: 2 }));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** With a temporary directory of its own, in which afterwards nothing may be left. */
async function startDemo(...args: readonly string[]) {
  const temporary = await mkdtemp(join(directory, "t-"));
  await chmod(temporary, 0o755);
  const child = spawn(process.execPath, [MAIN, "demo", ...args], { env: { ...process.env, TMPDIR: temporary } });
  const lines = createInterface(child.stderr);
  const said: string[] = [];
  lines.on("line", (line) => said.push(line));
  const ended = Promise.all([once(child, "close"), text(child.stdout)]).then(async ([[code], out]) => ({
    code: code as number | null,
    out: out.trimEnd().split("\n"),
    said,
    left: await readdir(temporary),
  }));
  return { child, lines, ended };
}

const SMALL = ["--servers=2", "--workers=3"];

test(
  "every event is charged once, whoever is killed on the way",
  async () => {
    const { ended } = await startDemo("--json", "--input", log, ...SMALL);
    const { code, out, said, left } = await ended;
    expect(code, said.join("\n")).toBe(0);
    const report = JSON.parse(out.at(-1) ?? "") as Report;
    expect(report).toEqual({
      events: 60,
      deliveries: 200,
      executions: 60,
      duplicates: 0,
      lost: 0,
      replays: expect.any(Number),
      takeovers: expect.any(Number),
      promotions: expect.any(Number),
      reconciled: expect.any(Number),
      mismatches: expect.any(Number),
      workersKilled: expect.any(Number),
      serversKilled: 1,
      claimP50Ms: expect.any(Number),
      claimP99Ms: expect.any(Number),
      wakeP50Ms: expect.any(Number),
      wakeP99Ms: expect.any(Number),
      seconds: expect.any(Number),
    });
    expect(report.replays).toBeGreaterThan(0);
    expect(report.takeovers).toBeGreaterThanOrEqual(1);
    expect(report.promotions).toBeGreaterThanOrEqual(1);
    expect(report.reconciled).toBeGreaterThanOrEqual(1);
    expect(report.mismatches).toBeGreaterThanOrEqual(1);
    expect(report.workersKilled).toBeGreaterThanOrEqual(5);
    expect(left).toEqual([]);
  },
  DEMO_MS_MAX,
);

test(
  "a demo that is interrupted at work ends everything that it started",
  async () => {
    const { child, lines, ended } = await startDemo("--input", log, ...SMALL);
    let isInterrupted = false;
    lines.on("line", (line) => {
      // Once: a second signal may come when the demo has ended everything, and listens no more.
      if (!isInterrupted && line.startsWith("worker ")) isInterrupted = child.kill("SIGINT");
    });
    const { code, out, said, left } = await ended;
    expect(code, said.join("\n")).toBe(130);
    expect(out).toEqual([""]);
    expect(left).toEqual([]);
  },
  DEMO_MS_MAX,
);

test.each([
  ["a line that is no delivery", '{"id":"a","type":"t","payload":1}\n{"id":"b"}\n', 'line 2: "type" must be a string'],
  ["nothing in it", "\n", "the log holds no delivery"],
])("a log with %s is refused before anything is started", async (_name, content, reason) => {
  const bad = join(directory, "bad.ndjson");
  await writeFile(bad, content);
  const { code, out, said, left } = await (await startDemo("--input", bad)).ended;
  expect([code, out, left]).toEqual([1, [""], []]);
  expect(said.join("\n")).toContain(`${bad}: ${reason}`);
});

test("a log that is not there is said to be missing", async () => {
  const { code, said } = await (await startDemo("--input", "/does/not/exist")).ended;
  expect(code).toBe(1);
  expect(said.join("\n")).toContain("/does/not/exist cannot be read: ENOENT");
});

test("flags that are wrong are explained, and the exit code says that it was the flags", async () => {
  const { code, said } = await (await startDemo("--workers=1", "--jsn")).ended;
  expect(code).toBe(2);
  expect(said).toEqual([
    'holdfast: unknown flag "--jsn" of "holdfast demo": did you mean --json?',
    "holdfast: --workers must be a whole number from 2 to 64",
  ]);
});
