import { type Client, createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { readMetrics } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { claimOf } from "./waiting-calls.ts";

const TENANTS = 100_000;
/** Room for the server and for pages, and none for what is known of every tenant. */
const HEAP_MIB = 128;

let database: TestDatabase;
let server: ServerProcess;
let records: Client<typeof IdempotencyService>;
let admin: Client<typeof AdminService>;
let close: () => void;

beforeAll(async () => {
  database = await createTestDatabase();
  await withClient({ url: database.ownerUrl }, (client) =>
    client.query(`
      insert into holdfast.tenant (id) select 'lazy-' || n from generate_series(1, ${TENANTS}) n;
      insert into holdfast.tenant_host (host, tenant)
        select n || '.example', 'lazy-' || n from generate_series(1, ${TENANTS}) n;
      analyze holdfast.tenant, holdfast.tenant_host`),
  );
  // What is short-lived has its usual room: collecting it would take most of the time otherwise.
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB} --max-semi-space-size=16` };
  server = await startServer({ databaseUrl: database.url, env });
  const transport = createGrpcTransport({ addresses: [server.grpc] });
  records = createClient(IdempotencyService, transport);
  admin = createClient(AdminService, transport);
  close = () => transport.close();
});

afterAll(async () => {
  close?.();
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

const keyOf = (tenant: string) => ({ tenant, ...newKey() });
const claim = async (tenant: string) => (await records.claim(claimOf(keyOf(tenant)))).detail.case;

/** What the server knows, has built, and has built since it started. */
async function figures() {
  const metrics = await readMetrics(server);
  const of = (name: string) => metrics.get(`holdfast_${name}`) ?? Number.NaN;
  const healths = ["pending", "healthy", "unverified", "disabled"].map((health) => of(`tenants{health="${health}"}`));
  const known = healths.reduce((sum, count) => sum + count);
  const builds = of('tenant_builds_total{result="succeeded"}') + of('tenant_builds_total{result="failed"}');
  return { known, built: of("tenants_built"), builds };
}

test("a server among a hundred thousand tenants knows those that were called, and no others", async () => {
  expect(await figures()).toEqual({ known: 0, built: 0, builds: 0 });
  for (const n of [1, 54_321, TENANTS]) expect(await claim(`lazy-${n}`)).toBe("acquired");
  expect(await figures()).toEqual({ known: 3, built: 3, builds: 3 });

  const { tenantId } = await records.resolveTenant({ selector: { case: "host", value: { host: "777.example" } } });
  expect(tenantId).toBe("lazy-777");
  expect(await figures()).toEqual({ known: 4, built: 4, builds: 4 });
});

test("a thousand first calls at once build a tenant once", async () => {
  const before = await figures();
  const answers = await Promise.all(Array.from({ length: 1000 }, () => claim("lazy-42")));
  expect(new Set(answers)).toEqual(new Set(["acquired"]));
  expect(await figures()).toEqual({ known: before.known + 1, built: before.built + 1, builds: before.builds + 1 });
});

test("all of them are listed, a page at a time, in a heap that has no room for them", async () => {
  const before = await figures();
  const ids: string[] = [];
  for (let pageToken = ""; ; ) {
    const { tenants, nextPageToken } = await admin.listTenants({ pageSize: 1000, pageToken });
    expect(tenants.length).toBeLessThanOrEqual(1000);
    for (const { registration } of tenants) ids.push(registration?.tenantId ?? "");
    if (nextPageToken === "") break;
    pageToken = nextPageToken;
  }
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => id.startsWith("lazy-"))).toHaveLength(TENANTS);
  expect(await figures(), "who is listed is not built").toEqual(before);
});
