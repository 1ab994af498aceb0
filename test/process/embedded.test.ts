import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, type Holdfast } from "../../src/client/client.ts";
import { createEmbedded, type EmbeddedOptions } from "../../src/embedded/embedded.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { clientBehaviour } from "./same-client.ts";
import { environmentOf, type ServerProcess, startServer } from "./server.ts";

let database: TestDatabase;
let server: ServerProcess;
let remote: Holdfast;
let embedded: Holdfast;
let second: Holdfast;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
  remote = createClient({ address: server.grpc });
  [embedded, second] = [await openEmbedded(), await openEmbedded()];
});

afterAll(async () => {
  await Promise.all([remote, embedded, second].map((one) => one?.close()));
  await server?.stop();
  await database?.drop();
});

const openEmbedded = (options: Partial<EmbeddedOptions> = {}) =>
  createEmbedded({ databaseUrl: database.url, allowUnsafeDatabase: true, ...options });

clientBehaviour("a client of a server", () => remote);
clientBehaviour("an embedded one", () => embedded);

const named = () => ({ scope: "together", key: randomUUID(), input: null });
const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: Error) => error,
  );

/** Work that is under way until it is told what to return. */
async function hold(holdfast: Holdfast, key: ReturnType<typeof named>) {
  const [started, end] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const done = holdfast.once(key, () => {
    started.resolve();
    return end.promise;
  });
  await started.promise;
  return { done, end: end.resolve };
}

describe("several on one database", () => {
  test.each([
    ["an embedded one waits for a server's client", () => [remote, embedded] as const],
    ["a server's client waits for an embedded one", () => [embedded, remote] as const],
    ["an embedded one waits for another", () => [embedded, second] as const],
  ])("%s, and is woken by a notification", async (_what, pair) => {
    const [holder, waiter] = pair();
    const key = named();
    const { done, end } = await hold(holder, key);
    const waiting = waiter.once(key, () => "not mine");
    const observed = waiter.result(key);
    await untilFlagged(key);
    end("mine");
    expect(await done).toMatchObject({ value: "mine", replayed: false });
    expect(await waiting).toMatchObject({ value: "mine", replayed: true });
    expect(await observed).toBe("mine");
  });

  test("race for a key over all of them, and one does the work", async () => {
    const key = named();
    const all = [remote, embedded, second].flatMap((one) => Array(5).fill(one) as Holdfast[]);
    const values = await Promise.all(all.map(async (one) => (await one.once(key, () => randomUUID())).value));
    expect(new Set(values).size).toBe(1);
  });

  test("one that is closed while it waits lets go of its waiting, and its work is told of", async () => {
    const key = named();
    const { done, end } = await hold(remote, key);
    const third = await openEmbedded();
    const waiting = refusalOf(third.once(key, () => "not mine"));
    await untilFlagged(key);
    await third.close();
    expect(await waiting).toMatchObject({ reason: "CLOSED" });
    end("mine");
    await done;
  });
});

async function untilFlagged({ scope, key }: ReturnType<typeof named>): Promise<void> {
  const client = new Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    const flagged = "select from holdfast.record where scope = $1 and key = $2 and has_waiters";
    while ((await client.query(flagged, [scope, key])).rowCount === 0);
  } finally {
    await client.end();
  }
}

describe("a completion in the caller's own transaction", () => {
  test.each([
    ["of an embedded one, waited for at a server", () => [embedded, remote] as const],
    ["of a server's client, waited for at an embedded one and at the server", () => [remote, embedded] as const],
  ])("%s, wakes whoever waits when it commits, and no sooner", async (_what, pair) => {
    const [holder, waiter] = pair();
    const key = named();
    const app = new Client({ connectionString: database.ownerUrl });
    await app.connect();
    const waiting: Promise<unknown>[] = [];
    let isTold = false;
    const receipt = { charge: randomUUID() };
    const done = await holder.once(key, async (attempt) => {
      for (const one of [waiter, holder]) waiting.push(one.result(key));
      for (const told of waiting) void told.then(() => (isTold = true));
      await untilFlagged(key);
      await app.query("begin");
      await app.query(attempt.completion(receipt));
      expect(isTold).toBe(false);
      await app.query("commit");
      expect(await Promise.all(waiting)).toEqual([receipt, receipt]);
      return receipt;
    });
    await app.end();
    expect(done).toMatchObject({ value: receipt, replayed: false, attempt: 1 });
    expect(await waiter.once(key, () => "not again")).toMatchObject({ value: receipt, replayed: true });
  });

  test("that is rolled back leaves the work to whoever comes next", async () => {
    const key = named();
    const app = new Client({ connectionString: database.ownerUrl });
    await app.connect();
    const failing = embedded.once(key, async (attempt) => {
      await app.query("begin");
      await app.query(attempt.completion("never"));
      await app.query("rollback");
      throw new Error("constraint violated");
    });
    expect(await refusalOf(failing)).toMatchObject({ message: "constraint violated" });
    await app.end();
    expect(await remote.once(key, () => "done")).toMatchObject({ value: "done", attempt: 2 });
  });
});

describe("createEmbedded", () => {
  test("brings the schema up to date where it may, and otherwise says what is to be done", async () => {
    const empty = await createEmptyDatabase();
    const options = { databaseUrl: empty.url, allowUnsafeDatabase: true };
    expect(await refusalOf(createEmbedded(options))).toMatchObject({
      message: expect.stringMatching(/0001_record\.sql.* has not run\)\. Run: holdfast migrate/),
    });
    const holdfast = await createEmbedded({ ...options, migrate: true });
    expect(await holdfast.once(named(), () => 1)).toMatchObject({ value: 1 });
    await holdfast.close();
    await (await createEmbedded(options)).close();
    await empty.drop();
  });

  test("names a database that cannot be reached, without its password", async () => {
    const databaseUrl = "postgres://me:secret@127.0.0.1:1/x";
    const error = await refusalOf(createEmbedded({ databaseUrl }));
    expect(error?.message).toMatch(
      /^cannot reach the database postgres:\/\/me:\*\*\*@127\.0\.0\.1:1\/x \(databaseUrl\)/,
    );
  });

  test("refuses a database that loses what was acknowledged, unless that is accepted", async () => {
    const error = await refusalOf(createEmbedded({ databaseUrl: database.url }));
    // The databases of the tests do not wait for the disk.
    expect(error?.message).toMatch(/^The database cannot be used:\n {2}- fsync is off/);
  });

  test("refuses a tenant that nobody has registered, and leaves nothing behind", async () => {
    expect(await refusalOf(openEmbedded({ tenant: "nobody" }))).toMatchObject({ reason: "TENANT_NOT_FOUND" });
  });

  test("refuses master keys that are none, and quotes nothing of them", async () => {
    const error = await refusalOf(openEmbedded({ encryption: { masterKeys: "secret" } }));
    expect(error).toMatchObject({ name: "TypeError", message: expect.stringMatching(/^encryption\.masterKeys: /) });
    expect(error?.message).not.toContain("secret");
  });

  test("keeps what an encrypted tenant stores sealed, and serves it to nobody without the key", async () => {
    const client = new Client({ connectionString: database.ownerUrl });
    await client.connect();
    const tenant = `sealed-${randomUUID().slice(0, 8)}`;
    await client.query("insert into holdfast.tenant (id, encrypted) values ($1, true)", [tenant]);
    const masterKeys = `first:${Buffer.alloc(32, 7).toString("base64")}\n`;
    const key = named();
    await using sealing = await openEmbedded({ tenant, encryption: { masterKeys } });
    await sealing.once(key, () => "a canary in a coal mine");
    expect(await sealing.once(key, () => 1)).toMatchObject({ value: "a canary in a coal mine", replayed: true });
    const { rows } = await client.query("select outcome from holdfast.record where key = $1", [key.key]);
    await client.end();
    expect(Buffer.from(rows[0]?.outcome).toString("latin1")).not.toContain("canary");
    await using blind = await openEmbedded({ tenant });
    expect(await refusalOf(blind.once(key, () => 1))).toMatchObject({ reason: "TENANT_DISABLED" });
  });

  test("has eight connections, and none after its end", async () => {
    const own = await createTestDatabase();
    const looker = new Client({ connectionString: own.ownerUrl });
    await looker.connect();
    const count = async () =>
      (
        await looker.query(
          "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        )
      ).rowCount;
    const holdfast = await createEmbedded({ databaseUrl: own.url, allowUnsafeDatabase: true });
    await holdfast.once(named(), () => 1);
    while ((await count()) !== 8);
    await holdfast.close();
    await holdfast.close();
    while ((await count()) !== 0);
    expect(await refusalOf(holdfast.once(named(), () => 1))).toMatchObject({ reason: "CLOSED" });
    await looker.end();
    await own.drop();
  });

  test("lets a process end by itself once it is closed, with nothing running", async () => {
    const program = `
      import { createEmbedded } from "./src/embedded/embedded.ts";
      const holdfast = await createEmbedded({ databaseUrl: process.env.URL, allowUnsafeDatabase: true });
      console.log((await holdfast.once({ scope: "s", key: "k", input: null }, () => 7)).value);
      await holdfast.close();
      console.log(process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Immediate/.test(name)).length);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      env: environmentOf({ URL: database.url }),
    });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    const [code] = await once(child, "exit");
    expect([code, out]).toEqual([0, "7\n0\n"]);
  });
});
