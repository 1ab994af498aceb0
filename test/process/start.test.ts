import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock } from "../../src/clock.ts";
import { openHome } from "../../src/server/embedded-postgres/data-directory.ts";
import { withLock } from "../../src/server/embedded-postgres/lock.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { directory as ownDirectory } from "../support/embedded.ts";
import { grpcCaller, newClaimId, newKey } from "./callers.ts";
import { holdfast, spawnServer, startServer } from "./server.ts";

const { method } = IdempotencyService;

const afterwards: (() => Promise<unknown>)[] = [];

const FREE_PORTS = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"];

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
    [["serve", "--drain-delay", "soon"], "--drain-delay must be a time from 0 to 5m"],
    [["migrate", "--grpc-address", "127.0.0.1:1"], 'unknown flag "--grpc-address" of "holdfast migrate"'],
  ])("%j", async (args, hint) => {
    const { code, stdout, stderr } = await holdfast(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(hint);
  });

  test("an address that other machines can reach is refused, on either port, in one sentence", async () => {
    const { code, stderr } = await holdfast(["serve", "--grpc-address", "0.0.0.0:0", "--http-address", "[::]:0"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /--grpc-address: 0\.0\.0\.0:0 can be reached from other machines.*nobody would be asked who he is/,
    );
    expect(stderr).toMatch(/--http-address: \[::\]:0 can be reached/);
  });
});

test("help and version go to standard output with 0", async () => {
  const [help, version, serveHelp, helpServe, helpNobody] = await Promise.all([
    holdfast(["help"]),
    holdfast(["--version"]),
    holdfast(["serve", "--help"]),
    holdfast(["help", "serve"]),
    holdfast(["help", "srve"]),
  ]);
  expect(help).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("migrate") });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  expect(serveHelp).toMatchObject({ code: 0, stdout: expect.stringContaining("HOLDFAST_DATABASE_URL") });
  expect(helpServe).toEqual(serveHelp);
  expect(helpNobody).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "serve"?') });
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

test("for scripts, each of the commands that call a server prints one document, in the same form", async () => {
  const database = await owned(createTestDatabase());
  await using server = await startServer({ databaseUrl: database.url });
  for (const [command, name, isEmpty] of [
    [["tenants", "list"], "tenants", false],
    [["apikeys", "list"], "apiKeys", true],
  ] as const) {
    const { code, stdout, stderr } = await holdfast([...command, "--server", server.grpc, "--output", "json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const document = JSON.parse(stdout);
    expect(stdout).toBe(`${JSON.stringify(document, null, 2)}\n`);
    expect(document).toEqual({ [name]: isEmpty ? [] : [expect.objectContaining({ draining: false })] });
  }
});

test("health asks any port, also one that browsers refuse", async () => {
  const ready = createHttpServer((_request, response) => void response.end('{"ready":true}'));
  // Whichever of them is free here; fetch refuses them all.
  for (const port of [6666, 6667, 6668, 6669, 6697, 10_080]) {
    ready.listen(port, "127.0.0.1");
    const isBound = await once(ready, "listening").then(
      () => true,
      () => false,
    );
    if (isBound) break;
  }
  afterwards.push(async () => ready.close());
  const { port } = ready.address() as AddressInfo;
  expect(await holdfast(["health", "--http-address", `127.0.0.1:${port}`])).toEqual({
    ...{ code: 0, signal: null },
    ...{ stdout: '{"ready":true}', stderr: "" },
  });
});

describe("a database that is given", () => {
  test("with a schema that this version does not know is refused, and what to run is said", async () => {
    const database = await owned(createEmptyDatabase());
    const address = ["--database-url", database.url];
    const refused = await holdfast(["serve", ...FREE_PORTS, ...address, "--allow-unsafe-database"]);
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
    const { url, ownerUrl } = await owned(createTestDatabase());
    await withClient({ url: ownerUrl }, async (client) => {
      const { rows } = await client.query("select quote_ident(current_database()) as name");
      await client.query(`alter database ${rows[0].name} set synchronous_commit = off`);
    });
    const { code, stderr } = await holdfast(["serve", ...FREE_PORTS, "--database-url", url]);
    expect(stderr).toContain("synchronous_commit is off");
    expect(code).toBe(1);
  });

  test("that is not there is named, without its password", async () => {
    const url = "postgres://me:geheim@localhost/holdfast?host=/nowhere";
    const { code, stdout, stderr } = await holdfast([
      ...["serve", ...FREE_PORTS, "--database-url", url, "--database-wait", "0"],
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      "holdfast: cannot reach the database postgres://me:***@localhost/holdfast?host=/nowhere (--database-url): connect ENOENT",
    );
    expect(stdout + stderr).not.toContain("geheim");
    // What its operator can mend needs no stack.
    expect(stdout).toContain("cannot reach the database");
    expect(stdout).not.toContain("stack");
    const migrated = await holdfast(["migrate", "status", "--database-url", url]);
    expect(migrated).toMatchObject({ code: 1, stdout: "", stderr });
  });
});

describe("an address that something else listens on is named, and the flag that changes it", () => {
  test.each(["grpc", "http"])("%s", async (door) => {
    const database = await owned(createTestDatabase());
    await using other = await listenSomewhere();
    const free = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0", "--allow-unsafe-database"];
    const args = ["serve", "--database-url", database.url, ...free, `--${door}-address`, other.address];
    const { code, stdout, stderr } = await holdfast(args);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `holdfast: something else listens on ${other.address}; choose another address with --${door}-address\n`,
    );
    expect(stdout).not.toContain("stack");
  });
});

async function listenSomewhere() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("who only looks at an embedded database", () => {
  test.each(["plan", "status"])("by migrate %s makes none", async (word) => {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-look-"));
    afterwards.push(() => rm(directory, { recursive: true, force: true }));
    const { code, stdout, stderr } = await holdfast(["migrate", word, "--data-dir", directory]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("no database there yet");
    expect(await readdir(directory)).toEqual([]);
  });

  test("that is there finds its schema on standard output, and the log on the other", async () => {
    const path = ownDirectory();
    const migrated = await holdfast(["migrate", "--data-dir", path]);
    expect(migrated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Applied .*\.\n$/) });
    expect(migrated.stderr).toContain("started Postgres");
    expect(await holdfast(["migrate", "plan", "--data-dir", path])).toMatchObject({ code: 0, stdout: "" });
  });
});

test("a signal while another process has the data directory ends the start at once, and cleanly", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-wait-"));
  afterwards.push(() => rm(directory, { recursive: true, force: true }));
  const home = await openHome(directory);
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = withLock(home.path, systemClock, () => {
    locked.resolve();
    return held.promise;
  });
  try {
    await locked.promise;
    const server = spawnServer({ args: ["--data-dir", directory] });
    const waits = await Promise.race([
      server.logged("waits for the process that has the data directory locked"),
      server.exited.then(() => Promise.reject(new Error(server.stderr()))),
    ]);
    expect(waits).toMatchObject({ pid: process.pid });
    server.signal("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.lines.map(({ message }) => message)).toEqual(["starting", waits.message, "stopping", "stopped"]);
  } finally {
    held.resolve();
    await holding;
  }
});

test("a signal during the start is heard, and ends the server whether it listens by then or not", async () => {
  const { url: databaseUrl } = await owned(createTestDatabase());
  const server = spawnServer({ databaseUrl });
  await server.logged("starting");
  server.signal("SIGINT");
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.lines.at(-1)).toMatchObject({ message: "stopped", clean: true });
});

test("a restart on the same data directory keeps the records", async () => {
  const args = ["--data-dir", ownDirectory()];
  const key = newKey();
  const claimId = newClaimId();

  const first = await startServer({ args });
  afterwards.unshift(async () => first[Symbol.asyncDispose]());
  using caller = grpcCaller(first.grpc);
  const claimed = await caller.call(method.claim, { key, claimId, lease: { seconds: 600n } });
  expect(claimed.outcome).toBe(ClaimOutcome.ACQUIRED);
  expect(await first.stop()).toEqual({ code: 0, signal: null });

  await using second = await startServer({ args });
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
