import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { grpcCaller, newClaimId, newKey } from "./callers.ts";
import { holdfast, startServer } from "./server.ts";

const { method } = IdempotencyService;

const afterwards: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const undo of afterwards.splice(0)) await undo();
});

async function owned(database: Promise<TestDatabase>): Promise<TestDatabase> {
  const made = await database;
  afterwards.push(() => made.drop());
  return made;
}

describe("what is not understood is refused with 2 and a hint", () => {
  test.each([
    [["srve"], 'unknown command "srve": did you mean "serve"?'],
    [["launch"], 'see "holdfast help"'],
    [["serve", "--grpc-adress", "x"], "did you mean --grpc-address?"],
    [["serve", "now"], '"holdfast serve" does not take "now"'],
    [["serve", "--drain-delay", "soon"], "--drain-delay (HOLDFAST_DRAIN_DELAY) must be a time from 0 to 5m"],
    [["migrate", "--grpc-address", "127.0.0.1:1"], 'unknown flag "--grpc-address" of "holdfast migrate"'],
  ])("%j", async (args, hint) => {
    const { code, stdout, stderr } = await holdfast(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(hint);
  });

  test("an address that other machines can reach is refused, on either port, in one sentence", async () => {
    const { code, stderr } = await holdfast(["serve", "--grpc-address", "0.0.0.0:0", "--http-address", "[::]:0"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--grpc-address .*0\.0\.0\.0:0 can be reached from other machines.*no authentication/);
    expect(stderr).toMatch(/--http-address .*\[::\]:0 can be reached/);
  });
});

test("help and version go to standard output with 0", async () => {
  const [help, version, serveHelp] = await Promise.all([
    holdfast(["help"]),
    holdfast(["--version"]),
    holdfast(["serve", "--help"]),
  ]);
  expect(help).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("migrate") });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  expect(serveHelp).toMatchObject({ code: 0, stdout: expect.stringContaining("HOLDFAST_DATABASE_URL") });
});

test("config prints what is in force and where it comes from, without the password", async () => {
  const env = { HOLDFAST_DATABASE_URL: "postgres://me:geheim@db/holdfast", HOLDFAST_DRAIN_GRACE: "20s" };
  const { code, stdout } = await holdfast(["config", "print", "--drain-grace", "30s"], env);
  expect(code).toBe(0);
  expect(stdout).toContain("database-url = postgres://me:***@db/holdfast  # environment");
  expect(stdout).toContain("drain-grace = 30s  # flag");
  expect(stdout).toContain("grpc-address = 127.0.0.1:7400  # default");
  expect(stdout).not.toContain("geheim");
});

test("health tells whether a server is ready", async () => {
  const database = await owned(createTestDatabase());
  await using server = await startServer({ databaseUrl: database.url });
  const address = ["--http-address", server.http.replace("http://", "")];
  expect(await holdfast(["health", ...address])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"ready":true'),
  });
  await server.stop();
  expect(await holdfast(["health", ...address])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no answer"),
  });
});

describe("a database that is given", () => {
  test("with a schema that this version does not know is refused, and what to run is said", async () => {
    const database = await owned(createEmptyDatabase());
    const address = ["--database-url", database.url];
    const refused = await holdfast(["serve", ...address, "--allow-unsafe-database"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Run: holdfast migrate");

    expect(await holdfast(["migrate", "status", ...address])).toMatchObject({ code: 1 });
    expect((await holdfast(["migrate", "plan", ...address])).stdout).toContain("create table");
    expect(await holdfast(["migrate", ...address])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Applied"),
    });
    expect(await holdfast(["migrate", ...address])).toMatchObject({ code: 0, stdout: "The schema was current.\n" });
    expect(await holdfast(["migrate", "status", ...address])).toMatchObject({ code: 0 });
    await using server = await startServer({ databaseUrl: database.url });
    expect((await fetch(`${server.http}/readyz`)).status).toBe(200);
  });

  test("is brought up to date by serve --migrate", async () => {
    const database = await owned(createEmptyDatabase());
    await using server = await startServer({ databaseUrl: database.url, args: ["--migrate"] });
    expect(await server.logged("applied a migration")).toBeDefined();
  });

  test("that may lose what it acknowledged is refused unless that is allowed", async () => {
    const database = await owned(createTestDatabase());
    const { code, stderr } = await holdfast(["serve", "--database-url", database.url]);
    if (stderr !== "") expect(stderr).toMatch(/fsync|synchronous_commit/);
    expect(code).toBe(1);
  });

  test("that is not there is named, without its password", async () => {
    const url = "postgres://me:geheim@localhost/holdfast?host=/nowhere";
    const { code, stdout, stderr } = await holdfast(["serve", "--database-url", url]);
    expect(code).toBe(1);
    expect(stderr).toContain("ENOENT");
    expect(stdout + stderr).not.toContain("geheim");
  });
});

test("a restart on the same data directory keeps the records", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-start-"));
  afterwards.push(() => rm(directory, { recursive: true, force: true }));
  const key = newKey();
  const claimId = newClaimId();

  const first = await startServer({ args: ["--data-dir", directory] });
  afterwards.unshift(async () => first[Symbol.asyncDispose]());
  using caller = grpcCaller(first.grpc);
  const claimed = await caller.call(method.claim, { key, claimId, lease: { seconds: 600n } });
  expect(claimed.outcome).toBe(ClaimOutcome.ACQUIRED);
  expect(await first.stop()).toEqual({ code: 0, signal: null });

  await using second = await startServer({ args: ["--data-dir", directory] });
  using again = grpcCaller(second.grpc);
  expect((await again.call(method.claim, { key, claimId: newClaimId() })).outcome).toBe(ClaimOutcome.IN_PROGRESS);
  const reattached = await again.call(method.claim, { key, claimId });
  expect(leaseOf(reattached)?.handle).toEqual(leaseOf(claimed)?.handle);
  expect(await second.stop()).toEqual({ code: 0, signal: null });
});

function leaseOf({ detail }: { readonly detail: { readonly case?: string | undefined; readonly value?: unknown } }) {
  return detail.case === "acquired" ? (detail.value as { lease?: { handle?: unknown } }).lease : undefined;
}

test("a server whose log nobody reads any more drains as well as any", async () => {
  const { url: databaseUrl } = await owned(createTestDatabase());
  await using server = await startServer({ databaseUrl });
  server.stopReading();
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});
