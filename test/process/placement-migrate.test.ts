import { afterAll, expect, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { checkSchema } from "../../src/store/postgres/migrate.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { holdfast } from "./server.ts";

const drops: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(drops.map((drop) => drop())));

async function owned(making: Promise<TestDatabase>): Promise<string> {
  const { url, drop } = await making;
  drops.push(drop);
  return url;
}

function kindOf(url: string): Promise<string> {
  return withClient({ url }, async (client) => (await checkSchema(client)).kind);
}

test("migrate, plan and status go over main and every placement, and say which", async () => {
  const main = await owned(createTestDatabase());
  const eu = await owned(createEmptyDatabase());
  const us = await owned(createEmptyDatabase());
  const args = ["--database-url", main, "--placements", `eu=${eu} us=${us}`];

  const status = await holdfast(["migrate", "status", ...args]);
  expect(status.code).toBe(1);
  expect(status.stdout.split("\n")).toEqual([
    "main: The schema is current.",
    expect.stringMatching(/^eu: .* Run: holdfast migrate$/),
    expect.stringMatching(/^us: .* Run: holdfast migrate$/),
    "",
  ]);

  const plan = await holdfast(["migrate", "plan", ...args]);
  expect(plan.code).toBe(0);
  expect(plan.stdout.match(/^-- placement .*$/gm)).toEqual(["-- placement eu", "-- placement us"]);
  expect(plan.stdout.match(/^create table holdfast\.record /gm)).toHaveLength(2);
  expect(await kindOf(eu)).toBe("behind");

  const applied = await holdfast(["migrate", ...args]);
  expect(applied).toMatchObject({ code: 0, stderr: "" });
  expect(applied.stdout.split("\n")).toEqual([
    "main: The schema was current.",
    expect.stringMatching(/^eu: Applied /),
    expect.stringMatching(/^us: Applied /),
    "",
  ]);
  expect(await Promise.all([eu, us].map(kindOf))).toEqual(["current", "current"]);
  expect(await holdfast(["migrate", "status", ...args])).toMatchObject({ code: 0 });
});

test("a placement that cannot be reached holds up the migration of none of the others", async () => {
  const main = await owned(createEmptyDatabase());
  const us = await owned(createEmptyDatabase());
  const nowhere = "postgresql://somebody:secret@127.0.0.1:1/none";
  const { code, stdout, stderr } = await holdfast([
    ...["migrate", "--database-url", main, "--placements", `eu=${nowhere} us=${us}`],
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^holdfast: eu: cannot reach the database .*\(--placements\)/);
  expect(stderr).not.toContain("secret");
  expect(stdout.match(/^\w+: Applied/gm)).toEqual(["main: Applied", "us: Applied"]);
  expect(await Promise.all([main, us].map(kindOf))).toEqual(["current", "current"]);
});
