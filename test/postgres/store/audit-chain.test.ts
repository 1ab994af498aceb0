import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ChainPosition, HASH_BYTES } from "../../../src/domain/audit.ts";
import { verifyAudit } from "../../../src/store/postgres/audit/verify.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { connectionOf } from "../../../src/store/postgres/identity.ts";
import { logLine, tamper } from "../../support/audit-log.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const verify = (expected: ChainPosition | null = null, newest: number | null = null) =>
  withClient({ url: database.url }, (reader) => verifyAudit(connectionOf(reader), { expected, newest }));
const broken = async (...given: Parameters<typeof verify>) => (await verify(...given)).broken;

/** Each test has a log of its own: lines 2, 3, 5, 6 and 7, the last two of records. */
beforeEach(async () => {
  await tamper(
    client,
    "truncate holdfast.audit",
    `update holdfast.audit_head set sequence = 1, names = 1, line = 0, hash = decode(repeat('00', ${HASH_BYTES}), 'hex')`,
  );
  await logLine(client, { detail: '{"b": [1.0, null], "a": "ü\\n"}', reason: "" });
  await logLine(client, { tenant: null, reason: "ä".repeat(128) });
  await client.query("update holdfast.audit_head set sequence = sequence + 1");
  await logLine(client);
  await logLine(client, { scope: "orders", key: "Zürich/1" });
  await logLine(client, { scope: "orders" });
});

describe("a log that nobody has touched", () => {
  test("is whole, whatever stands in it", async () => {
    const { broken: none, lines, head } = await verify();
    expect(none).toBeNull();
    expect(lines).toBe(5);
    expect(head.sequence).toBe(7n);
    expect(head.hash).toHaveLength(HASH_BYTES);
  });

  test("is whole while it is empty", async () => {
    await tamper(
      client,
      "truncate holdfast.audit",
      `update holdfast.audit_head set line = 0, hash = decode(repeat('00', ${HASH_BYTES}), 'hex')`,
    );
    expect(await verify()).toMatchObject({ broken: null, lines: 0, head: { sequence: 0n } });
  });

  test("is read in pages, and lines that come meanwhile are none of its business", async () => {
    await client.query(
      `with head as (update holdfast.audit_head set sequence = sequence + 1200 returning sequence)
       insert into holdfast.audit (sequence, actor, action, subject_kind, subject)
       select head.sequence - 1200 + i, 'x', 'change', 'tenant', 'many' from head, generate_series(1, 1200) i`,
    );
    let asked = 0;
    const { lines, broken: none } = await withClient({ url: database.url }, (reader) =>
      verifyAudit(
        {
          async query<Row>(...given: Parameters<ReturnType<typeof connectionOf>["query"]>) {
            if (++asked === 3) await logLine(client);
            return connectionOf(reader).query<Row>(...given);
          },
        },
        { expected: null, newest: null },
      ),
    );
    expect({ lines, none }).toEqual({ lines: 1205, none: null });
    expect(asked).toBeGreaterThanOrEqual(5);
  });

  test("can be checked from a line near its end", async () => {
    expect(await verify(null, 2)).toMatchObject({ broken: null, lines: 2, head: { sequence: 7n } });
    expect(await verify(null, 100)).toMatchObject({ broken: null, lines: 5 });
  });

  test("goes on in the order of its numbers only", async () => {
    const late =
      "insert into holdfast.audit (sequence, actor, action, subject_kind, subject) values (4, 'x', 'x', 'tenant', 'x')";
    await expect(client.query(late)).rejects.toThrow("line 4 of the audit log comes after line 7");
  });
});

const OTHER: Readonly<Record<string, string>> = {
  sequence: "4",
  time: "time + interval '1 microsecond'",
  actor: "'api-key:you'",
  action: "'other'",
  subject_kind: "'api-key'",
  subject: "'two'",
  tenant: "null",
  reason: "'because'",
  detail: `'{"a": 1.0}'`,
  hash: "sha256(hash)",
};

describe("who rewrites a line", () => {
  test.each(Object.entries(OTHER))("and changes its %s breaks the chain there", async (column, value) => {
    await tamper(client, `update holdfast.audit set ${column} = ${value} where sequence = 5`);
    const sequence = column === "sequence" ? 4n : 5n;
    expect(await broken()).toEqual({ kind: "line", sequence, after: 3n });
  });

  test.each([
    ["record_scope", "'refunds'"],
    ["key_commitment", "sha256(key_commitment)"],
    ["record_scope", "null, subject_kind = 'tenant', record_key = null, salt = null, key_commitment = null"],
  ])("about a record and changes its %s to %s breaks the chain there", async (column, value) => {
    await tamper(client, `update holdfast.audit set ${column} = ${value} where sequence = 6`);
    expect(await broken()).toEqual({ kind: "line", sequence: 6n, after: 5n });
  });

  test.each([
    ["key", "record_key = 'Zürich/2'"],
    ["salt", "salt = sha256(salt)"],
  ])("about a record and changes its %s is found out by what the hash covers", async (_, change) => {
    await tamper(client, `update holdfast.audit set ${change} where sequence = 6`);
    expect(await broken()).toEqual({ kind: "key", sequence: 6n });
  });

  test("and writes a number in another way, equal to the database, breaks the chain", async () => {
    await tamper(client, `update holdfast.audit set detail = '{"a": "ü\\n", "b": [1.00, null]}' where sequence = 2`);
    expect(await broken()).toEqual({ kind: "line", sequence: 2n, after: 0n });
  });

  test.each(["infinity", "-infinity", "200001-01-01"])("and sets its time to %s breaks the chain", async (time) => {
    await tamper(client, `update holdfast.audit set time = '${time}' where sequence = 5`);
    expect(await broken()).toEqual({ kind: "line", sequence: 5n, after: 3n });
  });

  test("and chains it anew breaks the chain at the next one", async () => {
    await tamper(
      client,
      "create temporary table kept on commit drop as select * from holdfast.audit where sequence > 5",
      "update holdfast.audit_head set sequence = 99, line = 4, hash = (select hash from holdfast.audit where sequence = 3)",
      "delete from holdfast.audit where sequence >= 5",
      "alter table holdfast.audit enable trigger user",
      "insert into holdfast.audit (sequence, actor, action, subject_kind, subject) values (5, 'x', 'x', 'tenant', 'x')",
      "alter table holdfast.audit disable trigger user",
      "insert into holdfast.audit select * from kept",
      `update holdfast.audit_head set sequence = 7, line = 7, hash = (select hash from kept where sequence = 7)`,
    );
    expect(await broken()).toEqual({ kind: "line", sequence: 6n, after: 5n });
  });
});

describe("who removes lines", () => {
  test("from the middle breaks the chain at the line behind them", async () => {
    await tamper(client, "delete from holdfast.audit where sequence in (3, 5)");
    expect(await broken()).toEqual({ kind: "line", sequence: 6n, after: 2n });
  });

  test("from the end is given away by the head, and by the next line that comes", async () => {
    await tamper(client, "delete from holdfast.audit where sequence > 5");
    expect(await broken()).toEqual({ kind: "end", last: 5n, written: 7n });
    await logLine(client);
    expect(await broken()).toEqual({ kind: "line", sequence: 8n, after: 5n });
  });

  test("from the end, and rewinds the head, is given away only by a head that was kept elsewhere", async () => {
    const { head } = await verify();
    await tamper(
      client,
      "delete from holdfast.audit where sequence > 5",
      "update holdfast.audit_head set line = 5, hash = (select hash from holdfast.audit where sequence = 5)",
    );
    expect(await broken()).toBeNull();
    expect(await broken(head)).toEqual({ kind: "expected-gone", sequence: 7n, last: 5n });
    await logLine(client);
    expect(await broken(head)).toEqual({ kind: "expected-gone", sequence: 7n, last: 8n });
  });

  test("and changes the head's hash breaks the chain at the end", async () => {
    await tamper(client, "update holdfast.audit_head set hash = sha256(hash)");
    expect(await broken()).toEqual({ kind: "head", sequence: 7n });
  });
});

test("who adds lines behind the trigger's back breaks the chain there", async () => {
  await tamper(
    client,
    `insert into holdfast.audit (sequence, actor, action, subject_kind, subject, hash)
     values (8, 'x', 'x', 'tenant', 'x', sha256(''))`,
  );
  expect(await broken()).toEqual({ kind: "line", sequence: 8n, after: 7n });
});

describe("a head that was kept elsewhere", () => {
  test("still holds after the log has gone on", async () => {
    const { head } = await verify();
    await logLine(client);
    expect(await verify(head)).toMatchObject({ broken: null, lines: 6 });
  });

  test("tells a log that was written anew from the beginning", async () => {
    const { head } = await verify();
    await tamper(
      client,
      "create temporary table kept on commit drop as table holdfast.audit",
      "truncate holdfast.audit",
      `update holdfast.audit_head set line = 0, hash = decode(repeat('00', ${HASH_BYTES}), 'hex')`,
      "alter table holdfast.audit enable trigger user",
      `insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason)
       select sequence, time, actor, action, 'tenant', subject, tenant, 'nothing to see' from kept order by sequence`,
    );
    expect(await broken()).toBeNull();
    expect(await broken(head)).toEqual({ kind: "expected-other", sequence: 7n });
  });
});

describe("the log is append-only", () => {
  test.each([
    "delete from holdfast.audit where sequence = 6",
    "truncate holdfast.audit",
    "update holdfast.audit set reason = 'x' where sequence = 6",
    "update holdfast.audit set record_key = null where sequence = 6",
    "update holdfast.audit set salt = null where sequence = 6",
    "update holdfast.audit set record_key = null, salt = null, key_commitment = null where sequence = 6",
    "update holdfast.audit set record_key = null, salt = null, hash = sha256(hash) where sequence = 6",
    "update holdfast.audit set record_key = 'other' where sequence = 6",
    `update holdfast.audit set detail = '{"a": "ü\\n", "b": [1.00, null]}' where sequence = 2`,
  ])("%s is refused", async (statement) => {
    await expect(client.query(statement)).rejects.toMatchObject({
      code: "42501",
      message: "the audit log is append-only",
    });
  });

  test("but a key may be blotted out with its salt, for good, and the chain holds", async () => {
    await client.query("update holdfast.audit set record_key = null, salt = null where record_key = 'Zürich/1'");
    const { rows } = await client.query(
      "select record_key, salt, key_commitment from holdfast.audit where sequence = 6",
    );
    expect(rows).toEqual([{ record_key: null, salt: null, key_commitment: expect.any(Buffer) }]);
    expect(await broken()).toBeNull();
    const back = "update holdfast.audit set record_key = 'Zürich/1', salt = sha256('') where sequence = 6";
    await expect(client.query(back)).rejects.toMatchObject({ code: "42501" });
  });
});

test("a salt is never the same twice, and nobody can bring one", async () => {
  await client.query(
    `with head as (update holdfast.audit_head set sequence = sequence + 100 returning sequence)
     insert into holdfast.audit (sequence, actor, action, subject_kind, subject, tenant, record_scope, record_key, salt)
     select head.sequence - 100 + i, 'x', 'change', 'record', 'x', 'acme', 's', 'k', sha256('') from head, generate_series(1, 100) i`,
  );
  const { rows } = await client.query(
    "select count(distinct salt)::int as salts from holdfast.audit where record_key = 'k'",
  );
  expect(rows).toEqual([{ salts: 100 }]);
  expect(await broken()).toBeNull();
});
