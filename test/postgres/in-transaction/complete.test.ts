import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ResultSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { endDigest } from "../../../src/operations/end-digest.ts";
import { encodeResult } from "../../../src/rpc/wire/stored.ts";
import type { PostgresStore } from "../../../src/store/postgres/store.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { openStoreOn } from "../store/open-store.ts";
import { benchOn, complete, refusalOf, transaction } from "./stand.ts";

let database: TestDatabase;
let store: PostgresStore;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStoreOn(database.url);
  client = new Client({ connectionString: database.ownerUrl });
  await client.connect();
  await client.query("create table ledger (entry text)");
});

afterAll(async () => {
  await client.end();
  await store.close();
  await database.drop();
});

const json = (text: string, contentType = "application/json") =>
  encodeResult(create(ResultSchema, { body: { case: "inline", value: Buffer.from(text) }, contentType }));

/** As the servers end an attempt. */
const finishOf = (outcome: Uint8Array) => ({
  outcome,
  digest: endDigest({ kind: "complete", outcome, delayMs: 0 }),
});

test("the function runs the very statement that servers end attempts with", async () => {
  const { rows } = await client.query("select prosrc from pg_proc where oid = to_regproc('holdfast.finish')");
  const file = readFileSync(new URL("../../../src/store/postgres/finish.sql", import.meta.url), "utf8");
  // Where they differ: a migration replaces the function with what the file says now.
  expect(rows[0]?.prosrc.trim()).toBe(file.trim());
});

describe("a completion in the caller's own transaction", () => {
  test("is there with what else was written once it commits, and a replay has its bytes", async () => {
    const bench = benchOn(store);
    const lease = await bench.acquire();
    const done = await transaction(client, async () => {
      await client.query("insert into ledger values ($1)", [bench.key.key]);
      const completed = await complete(client, bench.key, lease);
      expect((await bench.peek()).state).toBe("in-progress");
      return completed;
    });
    expect(done).toMatchObject({ already_applied: false, late: false });
    const replay = await bench.claim();
    expect(replay).toMatchObject({ kind: "completed", record: { outcome: new Uint8Array(json('{"paid":true}')) } });
    expect((await bench.peek()).due).toBeGreaterThanOrEqual(done.result_expire_time.getTime() * 1000);
  });

  test("is as if it had never been when the transaction rolls back, and the lease goes on", async () => {
    const bench = benchOn(store);
    const lease = await bench.acquire();
    const failure = transaction(client, async () => {
      await client.query("insert into ledger values ($1)", [bench.key.key]);
      await complete(client, bench.key, lease);
      throw new Error("the application has failed");
    });
    await expect(failure).rejects.toThrow("the application has failed");
    expect(await bench.peek()).toMatchObject({ state: "in-progress", outcome: null });
    const { rowCount } = await client.query("select from ledger where entry = $1", [bench.key.key]);
    expect(rowCount).toBe(0);
    expect(await bench.heartbeat(lease)).toBe("extended");
  });

  test.each([
    ["", "application/json"],
    ["x", ""],
    ["x".repeat(127), "text/plain"],
    ["x".repeat(128), "text/plain"],
    ["x".repeat(16_383), "x/y"],
    ["x".repeat(16_384), "é".repeat(128)],
    ["x".repeat(1_048_576), "application/octet-stream"],
  ])("stores what servers store, so that either's repeat is told as one (case %#)", async (text, contentType) => {
    const bench = benchOn(store);
    const lease = await bench.acquire();
    const outcome = json(text, contentType);
    const given = { result: Buffer.from(text), contentType };
    expect(await complete(client, bench.key, lease, given)).toMatchObject({ already_applied: false });
    expect((await bench.peek()).outcome).toEqual(outcome);
    expect(await bench.finished(lease, "complete", finishOf(outcome))).toBe("already applied");
    expect(await refusalOf(complete(client, bench.key, lease, given))).toMatch(/^LF010 ALREADY_APPLIED: /);
  });

  test("of an attempt whose lease is over is accepted, and says that it is late", async () => {
    const bench = benchOn(store);
    const lease = await bench.acquire({ leaseMs: 1 });
    await client.query("select pg_sleep(0.01)");
    expect(await complete(client, bench.key, lease)).toMatchObject({ already_applied: false, late: true });
  });

  test.each(["repeatable read", "serializable"])("works under %s when the claim came first", async (isolation) => {
    const bench = benchOn(store);
    const begin = `begin isolation level ${isolation}`;
    const lease = await bench.acquire();
    expect(await transaction(client, () => complete(client, bench.key, lease), begin)).toMatchObject({ late: false });
  });

  test("is refused under repeatable read where the snapshot is older than the claim", async () => {
    const bench = benchOn(store);
    const begin = "begin isolation level repeatable read";
    const absent = transaction(
      client,
      async () => {
        await client.query("select from ledger");
        return complete(client, bench.key, await bench.acquire());
      },
      begin,
    );
    await expect(absent).rejects.toMatchObject({ code: "LF005", hint: expect.stringContaining("claim before") });
    const changed = transaction(
      client,
      async () => {
        await client.query("select from ledger");
        const { record, ...lease } = await bench.acquire({ claimId: (await bench.peek()).claimId });
        return complete(client, bench.key, lease);
      },
      begin,
    );
    await expect(changed).rejects.toMatchObject({ code: "40001" });
  });
});

describe("a completion is refused, and the transaction with it,", () => {
  const held = async () => {
    const bench = benchOn(store);
    return { bench, lease: await bench.acquire() };
  };

  test("of an attempt that another has taken over", async () => {
    const { bench, lease } = await held();
    const outcome = json("1");
    await bench.finish(lease, "retryable");
    await bench.finish(await bench.acquire(), "complete", finishOf(outcome));
    expect(await refusalOf(complete(client, bench.key, lease))).toBe(
      "LF001 LEASE_SUPERSEDED: another attempt has begun, or somebody has ended this one",
    );
  });

  test("with a token or a fence that were never the record's", async () => {
    const { bench, lease } = await held();
    const message = "LF002 LEASE_TOKEN_INVALID: token and fence are not those of the record's lease";
    expect(await refusalOf(complete(client, bench.key, lease, { token: randomBytes(16) }))).toBe(message);
    expect(await refusalOf(complete(client, bench.key, lease, { fence: lease.fence + 1n }))).toBe(message);
  });

  test("of a record that has ended with something else", async () => {
    const { bench, lease } = await held();
    await complete(client, bench.key, lease);
    const other = complete(client, bench.key, lease, { result: Buffer.from("2") });
    expect(await refusalOf(other)).toBe("LF003 RESULT_CONFLICT: the record has ended, and not with this");
  });

  test("of an attempt that has ended without a result", async () => {
    const { bench, lease } = await held();
    await bench.finish(lease, "retryable");
    expect(await refusalOf(complete(client, bench.key, lease))).toBe(
      "LF004 INVALID_STATE: the attempt has ended without a result",
    );
  });

  test("of a record that is not there", async () => {
    const lease = { token: randomBytes(16), fence: 1n };
    expect(await refusalOf(complete(client, benchOn(store).key, lease))).toBe(
      "LF005 RECORD_NOT_FOUND: there is no such record",
    );
  });

  test("of an encrypted tenant, and of one that is not registered here", async () => {
    const encrypted = `sealed-${randomUUID().slice(0, 8)}`;
    await client.query("insert into holdfast.tenant (id, encrypted) values ($1, true)", [encrypted]);
    const { bench, lease } = await held();
    expect(await refusalOf(complete(client, bench.key, lease, { tenant: encrypted }))).toBe(
      "LF009 TENANT_ENCRYPTED: the database cannot encrypt what this tenant stores",
    );
    expect(await refusalOf(complete(client, bench.key, lease, { tenant: "nobody" }))).toBe(
      "LF008 TENANT_NOT_FOUND: there is no such tenant in this database",
    );
  });

  test.each([
    [
      { result: Buffer.alloc(1_048_577) },
      "LF006 RESULT_TOO_LARGE: the result has 1048577 bytes, and 1048576 is the limit",
    ],
    [
      { result: null },
      "LF007 FIELD_INVALID: result must not be null: no bytes, ''::bytea, stand for a result of nothing",
    ],
    [{ token: Buffer.alloc(15) }, "LF007 FIELD_INVALID: token must be the 16 bytes of the lease's token"],
    [{ fence: 0n }, "LF007 FIELD_INVALID: fence must be the lease's, which is above 0"],
    [{ contentType: "é".repeat(129) }, "LF007 FIELD_INVALID: content_type must be a media type of at most 256 bytes"],
    [{ contentType: null }, "LF007 FIELD_INVALID: content_type must be a media type of at most 256 bytes"],
    [{ tenant: null }, "LF007 FIELD_INVALID: tenant must not be null"],
  ])("with what no server would take (case %#), and the lease is kept", async (change, refusal) => {
    const { bench, lease } = await held();
    expect(await refusalOf(complete(client, bench.key, lease, change))).toBe(refusal);
    expect(await bench.heartbeat(lease)).toBe("extended");
  });
});
