import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../support/bundle.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { spawnNode } from "./client-process.ts";
import { type ServerProcess, startServer } from "./server.ts";

const PAGE = "https://app.example.org";
const OTHER = "https://evil.example.org";
const METHOD = "/holdfast.v1.IdempotencyService/GetRecord";

let database: TestDatabase;
let server: ServerProcess;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({
    databaseUrl: database.url,
    args: ["--cors-origins", `http://localhost:5173,${PAGE}`],
  });
  directory = await mkdtemp(join(tmpdir(), "holdfast-edge-"));
});

afterAll(async () => {
  await server?.stop();
  await database?.drop();
  await rm(directory, { recursive: true });
});

/** What a program makes of the web client, where there is no Node. */
const PROGRAM = `
  import { createClient } from "./src/client/web.ts";
  globalThis.run = async (address) => {
    const missing = [typeof process, typeof Buffer, typeof require, typeof setImmediate];
    const holdfast = createClient({ address });
    const kinds = [];
    const reading = (async () => {
      for await (const event of holdfast.waitFor([{ scope: "edge", key: "one" }])) kinds.push(event.kind);
    })();
    const job = { scope: "edge", key: "one", input: { order: 1 } };
    const first = await holdfast.once(job, ({ keyFor }) => ({ key: keyFor("stripe"), text: "é".repeat(2_000) }));
    const second = await holdfast.once(job, () => "another");
    await reading;
    await holdfast.close();
    return { missing, first, isSame: JSON.stringify(first.value) === JSON.stringify(second.value), replayed: second.replayed, kinds };
  };
`;

/** What a realm has that nobody has added to. */
const OF_LANGUAGE: readonly string[] = runInNewContext("Object.getOwnPropertyNames(globalThis)");

test("the bundle of the web client works where there is nothing of Node, and does nothing while it is loaded", async () => {
  const { code } = await bundle(PROGRAM, "browser");
  const path = join(directory, "program.js");
  await writeFile(path, code);
  const child = spawnNode([
    "test/process/bare-runtime.ts",
    path,
    new URL(server.http).host,
    JSON.stringify(OF_LANGUAGE),
  ]);
  const told = await child.line({ replayed: true });
  expect(told).toMatchObject({
    missing: Array(4).fill("undefined"),
    first: { replayed: false, attempt: 1, reason: "new", value: { key: expect.stringMatching(/^[\w-]{43}$/) } },
    isSame: true,
  });
  expect(told["kinds"]).toEqual(expect.arrayContaining(["snapshot", "ended"]));
  expect(await child.exit).toBe(0);
});

interface Told {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

/** As a browser asks; fetch of Node refuses to set these headers. */
function ask(method: string, path: string, headers: Record<string, string>, body = ""): Promise<Told> {
  return new Promise((resolve, reject) => {
    const asking = request(new URL(path, server.http), { method, headers }, async (answer) => {
      const header = (name: string) => answer.headers[name]?.toString();
      resolve({ status: answer.statusCode ?? 0, header, body: await text(answer) });
    });
    asking.on("error", reject).end(body);
  });
}

const preflight = (origin: string, path = METHOD) =>
  ask("OPTIONS", path, {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,connect-protocol-version,connect-timeout-ms,content-type",
  });

const call = (origin?: string) => {
  const headers = { "content-type": "application/json", ...(origin !== undefined && { origin }) };
  return ask("POST", METHOD, headers, JSON.stringify({ key: { scope: "edge", key: "absent" } }));
};

describe("a browser", () => {
  test.each([PAGE, "http://localhost:5173"])(
    "of a page of %s may call, with every header the client sends",
    async (origin) => {
      const asked = await preflight(origin);
      expect([asked.status, asked.body]).toEqual([204, ""]);
      expect(asked.header("access-control-allow-origin")).toBe(origin);
      expect(asked.header("access-control-allow-methods")).toContain("POST");
      const allowed = asked.header("access-control-allow-headers")?.split(", ");
      expect(allowed).toEqual(
        expect.arrayContaining(["authorization", "connect-timeout-ms", "content-type", "traceparent"]),
      );
      expect(asked.header("access-control-allow-credentials")).toBe(undefined);
      const answer = await call(origin);
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "not_found" });
      expect(answer.header("access-control-allow-origin")).toBe(origin);
      expect(answer.header("access-control-expose-headers")).toContain("grpc-status");
      expect(answer.header("vary")).toContain("origin");
    },
  );

  test("of any other page is not let in, and told so in no other way than all", async () => {
    const asked = await preflight(OTHER);
    expect(asked.status).toBe(405);
    expect(asked.header("access-control-allow-origin")).toBe(undefined);
    const answer = await call(OTHER);
    expect(answer.header("access-control-allow-origin")).toBe(undefined);
    // What is kept for another must not be shown to it.
    expect(answer.header("vary")).toContain("origin");
  });

  test("is kept from the pages for machines", async () => {
    const answer = await ask("GET", "/metrics", { origin: PAGE });
    expect([answer.status, answer.header("access-control-allow-origin")]).toEqual([200, undefined]);
  });

  test("is asked nothing else than others are: no origin, no headers", async () => {
    expect((await call()).header("access-control-allow-origin")).toBe(undefined);
  });
});

test("the fetch of Node calls from a page's origin", async () => {
  const headers = { origin: PAGE, "content-type": "application/json" };
  const answer = await fetch(new URL(METHOD, server.http), { method: "OPTIONS", headers });
  // Without the word of a preflight it is an ordinary request, with a method that is none.
  expect(answer.status).toBe(405);
  expect(answer.headers.get("access-control-allow-origin")).toBe(PAGE);
});
