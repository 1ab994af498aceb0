import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ARMS } from "../../bench/arms.ts";
import type { Report } from "../../bench/report.ts";

const MAIN = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: 55_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

test("the benchmark prints one report with figures, and the same to a file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-bench-smoke-"));
  try {
    const file = join(directory, "report.json");
    const args = ["--only", "replay", "--rounds", "1", "--seconds", "0.05", "--json", "--out", file];
    const { code, stdout, stderr } = await bench(...args);
    // 1: a target is missed, which says nothing with figures of a twentieth of a second.
    expect([0, 1], stderr).toContain(code);
    const report = JSON.parse(stdout) as Report;
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(report);
    expect(report).toMatchObject({ rounds: 1, full: false, startedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    for (const fact of Object.values(report.machine)) expect(fact).toBeTruthy();
    expect(report.sections.map(({ id }) => id)).toEqual(["replay"]);
    const [replay] = report.sections;
    for (const { id, what, unit, spread } of replay?.figures ?? []) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(what).not.toBe("");
      expect(unit).not.toBe("");
      for (const value of [spread.min, spread.median, spread.max]) expect(value, id).toBeGreaterThan(0);
    }
    expect(replay?.figures.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["unary-rate", "session-rate", "echo-rate", "store-rate", "unary-to-echo"]),
    );
    for (const { x, series } of replay?.charts ?? []) {
      for (const { values } of series) expect(values).toHaveLength(x.values.length);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test("--list names every arm, and a flag that makes no sense ends with 2 and says what is allowed", async () => {
  const [listed, refused] = await Promise.all([bench("--list"), bench("--rounds", "none")]);
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  for (const { id } of ARMS) expect(listed.stdout).toMatch(new RegExp(`^${id} `, "m"));
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("--rounds takes a whole number from 1 to 100");
});
