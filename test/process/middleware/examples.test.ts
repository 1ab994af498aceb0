import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type ServerProcess, startServer } from "../server.ts";

const pathOf = (name: string) => fileURLToPath(new URL(`../../../examples/http/${name}.ts`, import.meta.url));

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

test.each(["express", "fastify", "hono", "nest"])("the example for %s charges once", async (name) => {
  const app = spawn(process.execPath, [pathOf(name), server.grpc, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  const listening = Promise.withResolvers<string>();
  app.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    const url = /http:\/\/\S+/.exec(said)?.[0];
    if (url !== undefined) listening.resolve(url);
  });
  app.on("exit", () => listening.reject(new Error(`${name} has ended: ${said}`)));
  try {
    const url = await listening.promise;
    const charge = async () => {
      const headers = { "content-type": "application/json", "idempotency-key": `"${name}"` };
      const response = await fetch(`${url}/charges`, { method: "POST", headers, body: '{"amount":4900}' });
      return { status: response.status, json: await response.json() };
    };
    const first = await charge();
    expect(first).toMatchObject({ status: 201, json: { amount: 4900 } });
    expect(await charge()).toEqual(first);
    expect(said.match(/charging/g)).toHaveLength(1);
  } finally {
    app.kill("SIGKILL");
    await once(app, "close");
  }
});

test("the example for SQS ships once, and reports no failure", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [pathOf("sqs"), server.grpc]);
  expect(stdout).toMatch(
    /^shipping order-1042, fence \d+\n\{"batchItemFailures":\[\]\}\n\{"batchItemFailures":\[\]\}\n$/,
  );
});
