import { createClient, type Holdfast } from "holdfast/client";
import { afterAll, beforeAll, describe, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type ServerProcess, startServer } from "../server.ts";
import { CASES } from "./cases.ts";
import { startExpress } from "./express-app.ts";
import { startFastify } from "./fastify-app.ts";
import { startFetch, startHono } from "./hono-app.ts";
import { startNest, startNestWithResponse } from "./nest-app.ts";

const FRAMEWORKS = {
  Express: startExpress,
  Fastify: startFastify,
  Hono: startHono,
  Nest: startNest,
  "Nest with @Res()": startNestWithResponse,
  fetch: startFetch,
} as const;

let database: TestDatabase;
let server: ServerProcess;
let holdfast: Holdfast;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
  holdfast = createClient({ address: server.grpc });
});

afterAll(async () => {
  await holdfast?.close();
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

describe.each(Object.entries(FRAMEWORKS))("behind %s,", (_, start) => {
  test.each(CASES)("$name", async ({ options = {}, play }) => {
    await play({ start: (handler, more) => start(holdfast, handler, { ...options, ...more }), startWith: start });
  });
});
