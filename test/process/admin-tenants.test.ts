import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newClaimId, newKey } from "./callers.ts";
import { holdfast, type ServerProcess, spawnServer, startServer } from "./server.ts";

let database: TestDatabase;
let servers: readonly [ServerProcess, ServerProcess];

beforeAll(async () => {
  database = await createTestDatabase();
  const start = () => startServer({ databaseUrl: database.url });
  servers = await Promise.all([start(), start()]);
});

afterAll(async () => {
  for (const server of servers ?? []) await server[Symbol.asyncDispose]();
  await database?.drop();
});

const clientOf = ({ grpc }: ServerProcess) => {
  const transport = createGrpcTransport({ baseUrl: `http://${grpc}` });
  return { admin: createClient(AdminService, transport), records: createClient(IdempotencyService, transport) };
};

/** `holdfast tenants …` against a server, as JSON. */
async function tenants(server: ServerProcess, ...args: readonly string[]) {
  const { code, stdout, stderr } = await holdfast(["tenants", ...args, "--server", server.grpc, "--output", "json"]);
  return { code, stderr, answer: stdout === "" ? null : JSON.parse(stdout) };
}

/** Asks until the answer is the one that is waited for: another server follows within a second. */
async function until<Answer>(ask: () => Promise<Answer>, isIt: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
  }
}

const claim = ({ records }: ReturnType<typeof clientOf>, tenant: string) =>
  records.claim({ key: { ...newKey(), tenant }, claimId: newClaimId() });

test("what an operator changes through one server holds on it at once, and on another one soon", async () => {
  const [one, other] = servers;
  const [here, there] = [clientOf(one), clientOf(other)];
  const { answer } = await tenants(one, "register", "acme", "--host", "Acme.example", "--limit-leases", "100");
  expect(answer).toMatchObject({
    registration: { tenantId: "acme", placement: "main", hosts: [{ host: "acme.example" }], limits: { leases: 100 } },
    health: "TENANT_HEALTH_HEALTHY",
    runtime: "TENANT_RUNTIME_COLD",
  });
  for (const client of [here, there]) expect((await claim(client, "acme")).outcome).toBe(ClaimOutcome.ACQUIRED);
  expect((await tenants(one, "get", "acme")).answer.runtime).toBe("TENANT_RUNTIME_BUILT");

  await tenants(one, "drain", "acme");
  const reasonOf = (client: typeof here) =>
    claim(client, "acme").then(
      () => null,
      (error: unknown) => String(error),
    );
  expect(await reasonOf(here)).toContain("draining");
  await until(
    () => reasonOf(there),
    (reason) => reason?.includes("draining") === true,
  );
  await tenants(other, "resume", "acme");
  expect(await reasonOf(there)).toBeNull();

  await tenants(one, "update", "acme", "--host", "new.example");
  const resolve = (host: string) =>
    there.records.resolveTenant({ selector: { case: "host", value: { host } } }).then(
      ({ tenantId }) => tenantId,
      () => null,
    );
  await until(
    () => resolve("new.example"),
    (id) => id === "acme",
  );
  expect(await resolve("acme.example")).toBeNull();

  await tenants(one, "unregister", "acme");
  expect(await reasonOf(here)).toContain("no such tenant");
  await until(
    () => reasonOf(there),
    (reason) => reason?.includes("no such tenant") === true,
  );
});

test("of two operators who register the same tenant at once, both are answered and one registration is there", async () => {
  const clients = servers.map(clientOf);
  const registration = { tenantId: "both", hosts: [{ host: "both.example" }] };
  const answers = await Promise.all(clients.map(({ admin }) => admin.registerTenant({ registration })));
  const [first, second] = answers.map(({ tenant }) => tenant?.generation);
  expect(first).toBe(second);
});

test("of two operators who change the same tenant at once, one is told that the other was faster", async () => {
  const clients = servers.map(clientOf);
  const { tenant } = (await clients[0]?.admin.registerTenant({ registration: { tenantId: "race" } })) ?? {};
  const update = (displayName: string, i: number) =>
    clients[i]?.admin.updateTenant({
      registration: { tenantId: "race", displayName },
      expectedGeneration: tenant?.generation ?? 0n,
    });
  const settled = await Promise.allSettled(["one", "other"].map(update));
  expect(settled.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  const failed = settled.find((each) => each.status === "rejected");
  expect(String(failed?.reason)).toContain("generation");
});

test("a list has every tenant, the first one too that needed no registration", async () => {
  const { answer } = await tenants(servers[0], "list");
  const ids = answer.tenants.map((tenant: { registration: { tenantId: string } }) => tenant.registration.tenantId);
  expect(ids).toContain("default");
  expect(ids).toEqual(ids.toSorted());
});

describe("a tenants file", () => {
  const write = (text: string) => {
    const folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-tenants-"));
    const path = join(folder.path, "tenants.yaml");
    writeFileSync(path, text);
    return { path, [Symbol.dispose]: () => folder.remove() };
  };

  test("is applied before the server listens, by several servers at once, and again at the next start", async () => {
    using file = write("tenants:\n  - { tenantId: filed, hosts: [{ host: filed.example }] }\n  - tenantId: filed-2\n");
    const start = () => startServer({ databaseUrl: database.url, args: ["--tenants-file", file.path] });
    const lines: unknown[] = [];
    {
      const started = await Promise.all([start(), start()]);
      await using _one = started[0];
      await using _other = started[1];
      for (const server of started) {
        lines.push(await server.logged("applied the tenants file"));
        expect((await claim(clientOf(server), "filed")).outcome).toBe(ClaimOutcome.ACQUIRED);
      }
      expect((await tenants(started[0], "get", "filed")).answer.generation).toMatch(/^\d+$/);
    }
    writeFileSync(file.path, "tenants: [{ tenantId: filed, displayName: Filed }]");
    await using again = await start();
    expect(await again.logged("applied the tenants file")).toMatchObject({ registered: 0, updated: 1, unchanged: 0 });
    expect((await tenants(again, "get", "filed-2")).code).toBe(0);
    const counts = lines as readonly { readonly registered: number; readonly unchanged: number }[];
    expect(counts.map(({ registered, unchanged }) => registered + unchanged)).toEqual([2, 2]);
    expect(counts.reduce((sum, { registered }) => sum + registered, 0)).toBe(2);
  });

  test("that is wrong keeps the server from starting, and everything in it is told", async () => {
    using file = write("tenants:\n  - { tenantId: A, hostz: x }\n  - { tenantId: wrong, placement: us }\n");
    const server = spawnServer({ databaseUrl: database.url, args: ["--tenants-file", file.path] });
    expect(await server.exited).toMatchObject({ code: 1 });
    expect(server.stderr()).toContain("tenants[0].hostz is no field of TenantRegistration");
    expect(server.stderr()).toContain("tenants[1].placement must be empty or one of main");
    expect((await tenants(servers[0], "get", "wrong")).code).toBe(4);
  });
});
