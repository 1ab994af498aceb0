import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { grantsSql, RIGHTS } from "../../src/store/postgres/rights.ts";
import { checkDatabase } from "../../src/store/postgres/startup.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase, withUser } from "../support/database.ts";
import { expectRefused } from "./refused.ts";

const operations = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");

const cleanUps: (() => Promise<unknown>)[] = [];
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  cleanUps.push(database.drop);
});

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

/** The SQL under a heading of docs/operations.md, with its roles renamed, for roles are of a whole server. */
function documented(heading: string, names: Readonly<Record<string, string>>): string {
  const [, section = ""] = operations.split(`### ${heading}\n`);
  const sql = /```sql\n(.*?)```/s.exec(section)?.[1] ?? "";
  return sql.replace(/\b(?:holdfast_\w+|on database holdfast)\b/g, (name) => names[name] ?? name);
}

const asOwner = (sql: string) => withClient({ url: database.ownerUrl }, (client) => client.query(sql));
const unique = (name: string) => `holdfast_${name}_${randomBytes(4).toString("hex")}`;

test("what is documented for the owner is enough to migrate, and for a server of it to start", async () => {
  const { ownerUrl, drop } = await createEmptyDatabase();
  const [owner, server] = [unique("owner"), unique("server")];
  cleanUps.push(
    () => withClient({ url: inject("postgresUrl") }, (client) => client.query(`drop role ${owner}, ${server}`)),
    drop,
  );
  const name = /\/([^/?]+)(?:\?|$)/.exec(ownerUrl)?.[1] ?? "";
  const names = { holdfast_owner: owner, holdfast_server: server, "on database holdfast": `on database ${name}` };
  await withClient({ url: ownerUrl }, (client) => client.query(documented("The owner", names)));
  await withClient({ url: ownerUrl }, async (client) => {
    await client.query(`set role ${owner}`);
    expect(await migrate(client)).toContain("0001_record.sql");
    expect(await migrate(client)).toEqual([]);
    await client.query("reset role");
    // The owner may make it if it may make roles; otherwise whoever made the owner does.
    await client.query(/^create role .*$/m.exec(documented("The servers", names))?.[0] ?? "");
    await client.query(`set role ${owner}`);
    await client.query(documented("The servers", names).replace(/^create role .*$/m, ""));
    await client.query("reset role");
    await client.query(`set role ${server}`);
    expect(await checkDatabase(client, { allowUnsafeDatabase: true })).toEqual([]);
  });
});

test("what is documented for servers is what a start asks for, word by word", () => {
  const sql = documented("The servers", {})
    .replace(/^create role .*$/m, "")
    .replace(/\s+/g, " ")
    .trim();
  expect(sql).toBe(grantsSql("holdfast_server").join(" "));
});

test("what is documented for those who only look lets them look, and see nothing that opens something or was sent", async () => {
  const reader = unique("reader");
  cleanUps.push(() => asOwner(`drop owned by ${reader}; drop role ${reader}`));
  await asOwner(documented("Those who only look", { holdfast_reader: reader }));
  await asOwner(`alter role ${reader} password 'of-a-test'`);
  await withClient({ url: withUser(database.ownerUrl, reader, "of-a-test") }, async (client) => {
    for (const statement of [
      "select tenant, state, count(*) from holdfast.record where end_time is null group by 1, 2",
      "select kind, count(*) from holdfast.record_event group by 1",
      "select id, health, draining from holdfast.tenant",
      "select tenant, live_records, stored_bytes from holdfast.tenant_usage",
      "select time, actor, action from holdfast.audit",
      "select version, name from holdfast.migration",
    ]) {
      await client.query(statement);
    }
    const columns = {
      record: ["lease_token", "suspect_token", "claim_id", "key", "fingerprint", "outcome", "checkpoint", "evidence"],
      record_event: ["error", "evidence", "key"],
      audit: ["record_key", "salt", "detail", "reason"],
      tenant: ["validator_url", "agent_url"],
      api_key: ["id", "hash"],
      tenant_key: ["wrapped"],
    };
    await expectRefused(client, [
      ...Object.entries(columns).flatMap(([table, names]) =>
        names.map((name) => `select ${name} from holdfast.${table}`),
      ),
      ...Object.keys(RIGHTS).flatMap((table) => [`delete from holdfast.${table}`, `truncate holdfast.${table}`]),
      "update holdfast.record set state = 3",
      "insert into holdfast.tenant (id) values ('x')",
    ]);
  });
});
