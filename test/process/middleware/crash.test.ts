import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type JsonProcess, spawnNode } from "../client-process.ts";
import { type ServerProcess, startServer } from "../server.ts";

const APP = fileURLToPath(new URL("crashing-app.ts", import.meta.url));

let database: TestDatabase;
let server: ServerProcess;
const apps: JsonProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
});

afterAll(async () => {
  for (const app of apps) app.kill("SIGKILL");
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

async function startApp(onLeaseExpiry: string) {
  const app = spawnNode([APP, server.grpc, JSON.stringify({ onLeaseExpiry, leaseMs: 1_000 })]);
  apps.push(app);
  const { url } = await app.line({ event: "listening" });
  const charge = async (key: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${url}/charges`, { method: "POST", headers: { "idempotency-key": key, ...headers } });
    return { status: response.status, code: ((await response.json()) as { code?: string }).code };
  };
  return { app, charge };
}

test("under hold, an app that is killed between its handler and the store leaves an unknown outcome, and no second run", async () => {
  const first = await startApp("hold");
  await expect(first.charge('"held"', { "x-crash": "1" })).rejects.toThrow();
  await first.app.line({ event: "charged" });
  const second = await startApp("hold");
  // Until the lease is over the first one may be alive, for all that anybody knows.
  const answers = [];
  do answers.push(await second.charge('"held"'));
  while (answers.at(-1)?.code === "in-progress");
  expect(answers.at(-1)).toEqual({ status: 409, code: "outcome-unknown" });
  expect(await second.charge('"held"')).toEqual({ status: 409, code: "outcome-unknown" });
  second.app.kill("SIGKILL");
  await expect(second.app.line({ event: "charged" })).rejects.toThrow("ended without");
});

test("under reacquire, another app runs the handler once the lease of the killed one is over", async () => {
  const first = await startApp("reacquire");
  await expect(first.charge('"taken"', { "x-crash": "1" })).rejects.toThrow();
  const second = await startApp("reacquire");
  const answers = [];
  do answers.push(await second.charge('"taken"'));
  while (answers.at(-1)?.code === "in-progress");
  expect(answers.at(-1)).toEqual({ status: 201, code: undefined });
  await second.app.line({ event: "charged" });
});
