import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newClaimId, newKey } from "./callers.ts";
import { holdfast, type ServerProcess, startServer } from "./server.ts";
import { untilBlocked } from "./table-lock.ts";

let database: TestDatabase;
let server: ServerProcess;
let admin: string;
/** Holds what every change of a tenant or an API key needs, while a test wants it to. */
let holder: pg.Client;

beforeEach(async () => {
  database = await createTestDatabase();
  const args = ["--auth", "api-key", "--drain-grace", "1s"];
  server = await startServer({ databaseUrl: database.url, args });
  admin = (await holdfast(["admin", "bootstrap", "--database-url", database.url])).stdout.trimEnd();
  holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
});

afterEach(async () => {
  await holder?.end();
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(secret: string, path: string, request: unknown): Promise<Answer> {
  const response = await fetch(`${server.http}/holdfast.v1.${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${secret}` },
    body: JSON.stringify(request),
  });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

async function newSecret(tenantId: string, role: string): Promise<string> {
  const { body } = await call(admin, "AdminService/CreateApiKey", { tenantId, roles: [role] });
  return String(body["secret"]);
}

/** So many changes by one tenant's operator, and what has become of those that have ended. */
function flood(secret: string, count: number) {
  const ended: number[] = [];
  const all = Array.from({ length: count }, async () => {
    const { status } = await call(secret, "AdminService/DrainTenant", { tenantId: "loud" });
    ended.push(status);
  });
  return { ended, all: Promise.allSettled(all) };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(5);
}

test("one tenant's flood of changes, all of them held up, holds up no other tenant's first call", async () => {
  for (const tenantId of ["loud", "quiet"]) {
    await call(admin, "AdminService/RegisterTenant", { registration: { tenantId } });
  }
  const [operator, worker] = [await newSecret("loud", "ROLE_OPERATE"), await newSecret("quiet", "ROLE_CLAIM")];
  await holder.query("begin; select from holdfast.audit_head for update");
  const { ended, all } = flood(operator, 40);
  await untilBlocked(database.url);
  await until(() => ended.length === 24);
  expect(ended, "sixteen wait, the others are refused at once").toEqual(Array.from({ length: 24 }, () => 429));
  const claimed = await call(worker, "IdempotencyService/Claim", { key: newKey(), claimId: newClaimId() });
  expect(claimed).toMatchObject({ status: 200, body: { outcome: "CLAIM_OUTCOME_ACQUIRED" } });
  expect(ended, "and the flood still waits").toHaveLength(24);
  await holder.query("rollback");
  await all;
  expect(ended.slice(24)).toEqual(Array.from({ length: 16 }, () => 200));
});

test("changes that are held up do not keep the server from stopping in its time", async () => {
  await call(admin, "AdminService/RegisterTenant", { registration: { tenantId: "loud" } });
  const operator = await newSecret("loud", "ROLE_OPERATE");
  await holder.query("begin; select from holdfast.audit_head for update");
  const { all } = flood(operator, 16);
  await untilBlocked(database.url);
  const { signal } = await server.stop();
  await all;
  expect(signal).toBeNull();
  expect(server.lines.map(({ message }) => message)).not.toContain("ended by force: stopping took too long");
  expect(server.lines.at(-1)).toMatchObject({ message: "stopped" });
});
