import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { spawnNode } from "./client-process.ts";
import { type LogLine, startServer } from "./server.ts";
import { until } from "./waiting-calls.ts";

const TELEMETRY = new URL("../../examples/tracing/telemetry.mjs", import.meta.url).href;
const WORKER = fileURLToPath(new URL("client-worker.ts", import.meta.url));

/** A line of the example's file. */
interface SpanLine {
  readonly name: string;
  readonly kind: "INTERNAL" | "SERVER" | "CLIENT";
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events: readonly string[];
}

const SCOPE = "c4n4ry-scope";
const KEY = "c4n4ry-key";
const trace = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const [HOLDER, WAITER] = [trace("a"), trace("b")] as const;
const rpc = (method: string) => `holdfast.v1.IdempotencyService/${method}`;

let database: TestDatabase;
let directory: string;
let server: readonly SpanLine[] = [];
let client: readonly SpanLine[] = [];
let lines: readonly LogLine[] = [];
/** What GetRecord has shown, by key. */
const stored = new Map<string, unknown>();

/** Everything happens once, in one server; what it has recorded is there when it has ended. */
beforeAll(async () => {
  [database, directory] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), "holdfast-tracing-"))]);
  const telemetry = (name: string) => ({
    NODE_OPTIONS: `--import=${TELEMETRY}`,
    TRACE_FILE: join(directory, name),
  });
  const read = async (name: string) =>
    (await readFile(join(directory, name), "utf8"))
      .trim()
      .split("\n")
      .map((line): SpanLine => JSON.parse(line));
  await using running = await startServer({
    databaseUrl: database.url,
    args: ["--log-level", "debug"],
    env: telemetry("server"),
  });
  const post = async (method: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await fetch(`${running.http}/${rpc(method)}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as { readonly record?: { readonly traceparent?: string } };
  };
  const claim = (key: string, traceparent: string, more: object = {}) =>
    post("Claim", { key: { scope: SCOPE, key, ...more }, claimId: randomUUID() }, { traceparent });
  const look = async (key: string) => {
    const { record } = await post("GetRecord", { key: { scope: SCOPE, key } });
    stored.set(key, record?.traceparent);
  };

  const job = { scope: SCOPE, key: KEY, input: "c4n4ry-input", metadata: { note: "c4n4ry-note" }, leaseMs: 3_000 };
  const work = () => spawnNode([WORKER, running.grpc, JSON.stringify(job)], telemetry("client"));
  const holder = work();
  // By itself, a second after its claim.
  await until(() => running.lines.some(({ method }) => method === "Heartbeat"));
  holder.tell();
  expect(await holder.exit).toBe(0);
  expect(await work().exit).toBe(0);
  await look(KEY);
  await claim("http", HOLDER);
  await claim("http", WAITER);
  await look("http");
  await claim("malformed", "c4n4ry-traceparent");
  await look("malformed");
  await claim("nobody's", WAITER, { tenant: "c4n4ry-tenant" });
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  [server, client, lines] = [await read("server"), await read("client"), running.lines];
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await database?.drop();
});

const named = (spans: readonly SpanLine[], name: string) => spans.filter((span) => span.name === name);
function only<T>(found: readonly T[]): T {
  const [one, ...others] = found;
  if (one === undefined || others.length > 0) throw new Error(`expected one, and there are ${found.length}`);
  return one;
}
const below = (spans: readonly SpanLine[], parent: SpanLine, name: string) =>
  named(spans, name).filter(
    ({ traceId, parentSpanId }) => traceId === parent.traceId && parentSpanId === parent.spanId,
  );
const executing = () =>
  only(named(client, "holdfast.once").filter(({ attributes }) => !attributes["holdfast.replayed"]));
const replaying = () =>
  only(named(client, "holdfast.once").filter(({ attributes }) => attributes["holdfast.replayed"]));
/** Of claims over HTTP, by the trace that their caller sent. */
const overHttp = (traceparent: string, outcome: string) =>
  only(
    named(server, rpc("Claim")).filter(
      ({ traceId, attributes }) =>
        traceId === traceparent.slice(3, 35) && attributes["holdfast.claim.outcome"] === outcome,
    ),
  );

describe("one piece of work, over gRPC", () => {
  test.each(["Claim", "Complete"])("is one trace from the client's once through %s to the statement", (method) => {
    const call = only(below(client, executing(), rpc(method)));
    expect(call).toMatchObject({
      kind: "CLIENT",
      attributes: { "rpc.status_code": "OK", "server.address": "127.0.0.1" },
    });
    const served = only(below(server, call, rpc(method)));
    expect(served).toMatchObject({ kind: "SERVER", status: "UNSET", attributes: { "rpc.system.name": "grpc" } });
    const statement = method === "Claim" ? "claim" : "finish";
    const batch = only(below(server, served, `holdfast.batch ${statement}`));
    expect(batch).toMatchObject({ kind: "INTERNAL", attributes: { "holdfast.batch.rows": 1 } });
    expect(only(below(server, batch, `holdfast ${statement}`))).toMatchObject({
      ...{ kind: "CLIENT", attributes: { "db.system.name": "postgresql", "db.operation.name": statement } },
    });
  });

  test("has its work and its heartbeats below the client's once", () => {
    expect(only(below(client, executing(), "holdfast.work")).attributes).toEqual({
      ...{ "holdfast.attempt": 1, "holdfast.claim.reason": "new" },
    });
    const beats = below(client, executing(), rpc("Heartbeat"));
    expect(beats.length).toBeGreaterThan(0);
    for (const beat of beats) only(below(server, beat, rpc("Heartbeat")));
  });

  test("is where its replay leads", () => {
    const began = only(below(client, executing(), rpc("Claim")));
    const replay = only(below(server, only(below(client, replaying(), rpc("Claim"))), rpc("Claim")));
    expect(replay.traceId).not.toBe(began.traceId);
    expect(replay.attributes["holdfast.claim.outcome"]).toBe("completed");
    expect(replay.links).toMatchObject([{ traceId: began.traceId, spanId: began.spanId }]);
    expect(stored.get(KEY)).toBe(`00-${began.traceId}-${began.spanId}-01`);
  });
});

describe("over HTTP with JSON", () => {
  test("a claim is below its caller's span, and has its statement below it", () => {
    const served = overHttp(HOLDER, "acquired");
    expect(served).toMatchObject({
      ...{ kind: "SERVER", parentSpanId: HOLDER.slice(36, 52), attributes: { "rpc.system.name": "connectrpc" } },
    });
    const batch = only(below(server, served, "holdfast.batch claim"));
    only(below(server, batch, "holdfast claim"));
  });

  test("one that finds the record held leads to the holder", () => {
    const [link] = overHttp(WAITER, "in-progress").links;
    expect(link).toMatchObject({ traceId: HOLDER.slice(3, 35), spanId: HOLDER.slice(36, 52) });
    expect(stored.get("http")).toBe(HOLDER);
  });

  test("a malformed traceparent is ignored, and the call has a trace of its own", () => {
    const own = only(named(server, rpc("Claim")).filter((span) => stored.get("malformed") === traceparentOf(span)));
    expect(own.parentSpanId).toBeUndefined();
  });
});

const traceparentOf = ({ traceId, spanId }: SpanLine) => `00-${traceId}-${spanId}-01`;

test("no span names a key, a tenant, or anything that a caller sent", () => {
  const names = named(server, rpc("Claim")).map(({ attributes }) => attributes["holdfast.error.reason"]);
  expect(names).toContain("TENANT_NOT_FOUND");
  expect(JSON.stringify(server)).not.toContain("c4n4ry");
  // The scope says what kind of work it is, and the client's own trace may say so.
  expect(JSON.stringify(client).replaceAll(`"holdfast.scope":"${SCOPE}"`, "")).not.toContain("c4n4ry");
});

test("a call's line in the log has the id of its trace", () => {
  const ids = lines
    .filter(({ message, method }) => message === "call" && method === "Claim")
    .map((line) => line["trace_id"]);
  expect(ids).toEqual(expect.arrayContaining([executing().traceId, replaying().traceId, HOLDER.slice(3, 35)]));
});
