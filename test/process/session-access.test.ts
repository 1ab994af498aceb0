import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Code } from "../../gen/google/rpc/code_pb.ts";
import { AdminService, Role } from "../../gen/holdfast/v1/admin_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { holdfast, type ServerProcess, startServer } from "./server.ts";
import { type Answer, answerAs, claim, hold, openSession } from "./session-caller.ts";
import { claimOf, newKeys } from "./waiting-calls.ts";

const CANARY = "c4n4ry-of-a-session";

let database: TestDatabase;
let server: ServerProcess;
let admin: ReturnType<typeof createClient<typeof AdminService>>;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url, args: ["--auth", "api-key", "--log-level", "debug"] });
  const key = (await holdfast(["admin", "bootstrap", "--database-url", database.url])).stdout.trimEnd();
  const transport = createGrpcTransport({
    baseUrl: `http://${server.grpc}`,
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${key}`);
        return next(request);
      },
    ],
  });
  admin = createClient(AdminService, transport);
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

async function newWorker() {
  const { apiKey, secret } = await admin.createApiKey({ tenantId: "default", roles: [Role.CLAIM] });
  return { keyId: apiKey?.keyId ?? "", secret, headers: { authorization: `Bearer ${secret}` } };
}

const codeOf = (answer: Answer | null) => answerAs(answer, "error").code;

test("a key that is revoked opens nothing any more on a stream that it has opened", async () => {
  const { keyId, headers } = await newWorker();
  using session = openSession(server.grpc, headers);
  await hold(session, newKey());
  await admin.revokeApiKey({ keyId, reason: "lost" });
  let answer = await session.call(claim(newKey()));
  while (answer?.case === "claim") answer = await session.call(claim(newKey()));
  expect(codeOf(answer)).toBe(Code.UNAUTHENTICATED);
  for (const key of newKeys(5)) expect(codeOf(await session.call(claim(key)))).toBe(Code.UNAUTHENTICATED);
});

test("a stream without a credential, or with a wrong one, is told so with each call, and nothing is done", async () => {
  const { keyId, headers } = await newWorker();
  const key = newKey();
  for (const given of [{}, { authorization: `Bearer hf_${keyId}.${"A".repeat(43)}` }, { authorization: CANARY }]) {
    using stranger = openSession(server.grpc, given);
    expect((await stranger.hello).callsMax).toBe(1024);
    expect(codeOf(await stranger.call(claim(key)))).toBe(Code.UNAUTHENTICATED);
    expect(codeOf(await stranger.call(claim(key, { wait: 5 })))).toBe(Code.UNAUTHENTICATED);
  }
  using session = openSession(server.grpc, headers);
  await hold(session, key);
});

test("a key does on a stream what its roles say and no more", async () => {
  const { secret } = await admin.createApiKey({ tenantId: "default", roles: [Role.READ] });
  using session = openSession(server.grpc, { authorization: `Bearer ${secret}` });
  expect(codeOf(await session.call(claim(newKey())))).toBe(Code.PERMISSION_DENIED);
  const other = await newWorker();
  using worker = openSession(server.grpc, other.headers);
  const foreign = { ...newKey(), tenant: "foreign" };
  expect(codeOf(await worker.call({ case: "claim", value: { ...claimOf(foreign), key: foreign } }))).toBe(
    Code.PERMISSION_DENIED,
  );
});

test("what a client sends on a stream is not in any error, nor in the log", async () => {
  const { secret, headers } = await newWorker();
  const heard: unknown[] = [];
  const named = { ...newKey(), scope: CANARY };
  {
    using session = openSession(server.grpc, { ...headers, traceparent: CANARY, "x-canary": CANARY });
    const wrong = [
      { ...claimOf(named), claimId: CANARY.repeat(5) },
      { ...claimOf({ ...named, scope: CANARY.repeat(20) }) },
      { ...claimOf(named), fingerprint: { algorithm: CANARY, digest: Buffer.from(CANARY.slice(0, 5)) } },
      { ...claimOf(named), lease: { seconds: 9999n }, metadata: { [CANARY]: CANARY } },
      { ...claimOf(named), key: { ...named, tenant: CANARY } },
    ];
    for (const value of wrong) heard.push(answerAs(await session.call({ case: "claim", value }), "error"));
    await hold(session, named);
    heard.push(
      answerAs(await session.call(claim(newKey()), { timeout: { seconds: -1n }, traceparent: CANARY }), "error"),
    );
    session.send({ id: 0n, traceparent: CANARY, call: claim(named) });
    const { details, metadata } = await session.ended;
    heard.push(details, metadata.getMap());
  }
  const said = JSON.stringify([heard, server.lines], (_, value) => (typeof value === "bigint" ? String(value) : value));
  const binary = heard.map((each) => Buffer.from(JSON.stringify(each, (_, v) => (typeof v === "bigint" ? `${v}` : v))));
  for (const text of [said, server.stderr(), ...binary.map(String)]) {
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain(secret.split(".")[1]);
  }
});
