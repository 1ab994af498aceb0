import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startServer } from "./server.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database?.drop();
});

/** Loaded into the server before it starts: fails when it is told to. */
const whenTold = (failure: string) =>
  `--import=data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2", () => { ${failure} });`)}`;

test.each([
  ["an exception that nothing has caught", 'throw new Error("a bug")', "uncaughtException"],
  ["a promise that nobody has waited for", 'Promise.reject(new Error("a bug"))', "unhandledRejection"],
])("%s is logged, and ends the server with 1", async (_, failure, origin) => {
  await using server = await startServer({ databaseUrl: database.url, env: { NODE_OPTIONS: whenTold(failure) } });
  server.signal("SIGUSR2");
  expect(await server.exited).toEqual({ code: 1, signal: null });
  expect(server.lines.at(-1)).toMatchObject({
    ...{ level: "error", message: "ended by an error that nothing has caught", origin },
    error: { message: "a bug" },
  });
  expect(server.stderr()).toContain("a bug");
});
