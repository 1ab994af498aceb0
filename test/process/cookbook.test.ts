import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { environmentOf, type ServerProcess, startServer } from "./server.ts";

const RECIPES = ["payments", "webhooks", "cron", "agent-tools", "imports", "outbox"];
const ROOT = new URL("../../", import.meta.url);

let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

test("every recipe is tried here", () => {
  const pages = readdirSync(new URL("docs/cookbook", ROOT)).filter((name) => name !== "README.md");
  expect(pages.sort()).toEqual(RECIPES.map((name) => `${name}.md`).sort());
});

test.concurrent.each(RECIPES)("the page on %s shows its program as it is, and what it prints", async (name) => {
  const program = fileURLToPath(new URL(`examples/cookbook/${name}.ts`, ROOT));
  const page = readFileSync(new URL(`docs/cookbook/${name}.md`, ROOT), "utf8");
  expect(page).toContain(`\`\`\`ts\n${readFileSync(program, "utf8")}\`\`\``);
  const run = await promisify(execFile)(process.execPath, [program, server.grpc], { env: environmentOf({}) });
  expect(page).toContain(`It prints:\n\n\`\`\`\n${run.stdout}\`\`\``);
  expect(run.stderr).toBe("");
});
