import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS } from "../../proof/hostile/frames/attacks.ts";
import { linesOf } from "../../proof/hostile/report.ts";
import { type HostileReport, runHostile } from "../../proof/hostile/run.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

/** The short form of proof/hostile, which says how to run the long one and how to run again what fails here. */
const SEED = 7;
const MESSAGES = 1_000;

let databases: readonly TestDatabase[] = [];
let reports: readonly HostileReport[] = [];

beforeAll(async () => {
  databases = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const parts = [
    { only: "messages", runs: MESSAGES },
    { only: "frames", runs: 1 },
  ] as const;
  reports = await Promise.all(
    parts.map(({ only, runs }, i) =>
      runHostile(
        { seed: SEED, only, from: 0, extent: { kind: "runs", runs } },
        { databaseUrl: databases[i]?.url ?? "", judgesMemory: false, onPart: () => undefined },
      ),
    ),
  );
}, 300_000);

afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
});

const find = (name: string) => {
  const report = reports.flatMap(({ parts }) => parts).find((part) => part.name === name);
  if (report === undefined) throw new Error(`${name} was not run: the server has ended before it`);
  return report;
};

describe("a server that is attacked lives, answers no INTERNAL, logs no error, and serves who does nothing wrong", () => {
  test(`${MESSAGES} malformed requests of every method, over gRPC, Connect, gRPC-Web and sessions`, () => {
    const report = find("messages");
    expect(report.runs).toBe(MESSAGES);
    expect(report.broken, linesOf(report)).toEqual([]);
    expect(report.honest.calls).toBeGreaterThan(0);
  });

  test.each(ATTACKS.map(({ name, what }) => [name, what]))("%s: %s", (name) => {
    const report = find(name);
    expect(report.broken, linesOf(report)).toEqual([]);
    expect(report.runs).toBe(1);
  });

  test("and most of the attackers' connections were met: what was sent did arrive", () => {
    const sums = ATTACKS.map(({ name }) => find(name).outcomes["connections"] ?? 0);
    expect(Math.min(...sums)).toBeGreaterThan(0);
  });
});
