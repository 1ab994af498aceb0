import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { createPostgresDirectory } from "../../../src/tenants/postgres/directory.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const NEVER = Number.POSITIVE_INFINITY;

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("insert into holdfast.tenant (id, display_name) values ('acme', 'Acme'), ('other', 'Other')");
  await client.query("insert into holdfast.tenant_host (host, tenant) values ('acme.example', 'acme')");
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const connection: Connection = {
  async query<Row>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) {
    const { rows } = await client.query({ ...statement, values: [...values] });
    return rows as Row[];
  },
};

const directory = createPostgresDirectory({ run: (work) => work(connection), clock: systemClock });
const byId = (id: string) => directory.resolve({ kind: "id", id }, NEVER);
const byHost = (host: string) => directory.resolve({ kind: "host", host, path: "/a" }, NEVER);

test("the default tenant is there from the start", async () => {
  expect(await byId("default")).toMatchObject({ id: "default", health: "healthy", draining: false });
});

test("a tenant is found by id and by host", async () => {
  const acme = { id: "acme", displayName: "Acme" };
  expect(await byId("acme")).toMatchObject(acme);
  expect(await byHost("acme.example")).toMatchObject(acme);
});

test.each(["nobody", "ACME", "%", "acme' or true --", ""])("nobody is found under the id %j", async (id) => {
  expect(await byId(id)).toBeNull();
});

test.each(["other.example", "%", "*", "api.acme.example", ""])("nobody is found under the host %j", async (host) => {
  expect(await byHost(host)).toBeNull();
});

test("nobody is found by issuer, without a question", async () => {
  const asking = createPostgresDirectory({ run: () => Promise.reject(new Error("asked")), clock: systemClock });
  expect(await asking.resolve({ kind: "issuer", issuer: "acme", subject: "acme" }, NEVER)).toBeNull();
});

test("a deadline that has passed asks nothing", async () => {
  await expect(directory.resolve({ kind: "id", id: "acme" }, -1)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
});

test("a connection that is lost is a store that does not answer", async () => {
  const own = new pg.Client({ connectionString: database.url });
  own.on("error", () => {});
  await own.connect();
  const lost: Connection = {
    async query<Row>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) {
      await own.query("select pg_terminate_backend(pg_backend_pid())");
      const { rows } = await own.query({ ...statement, values: [...values] });
      return rows as Row[];
    },
  };
  const losing = createPostgresDirectory({ run: (work) => work(lost), clock: systemClock });
  await expect(losing.resolve({ kind: "id", id: "acme" }, NEVER)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
});

test("a host belongs to one tenant: a second registration is an error", async () => {
  const stolen = client.query("insert into holdfast.tenant_host (host, tenant) values ('acme.example', 'other')");
  await expect(stolen).rejects.toMatchObject({ code: "23505" });
});
