import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type ServerProcess, startServer } from "./server.ts";

const run = promisify(execFile);
const buf = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url));

let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

describe("a client without .proto files", () => {
  /** In an empty directory: buf would otherwise read the files of this repository. */
  const curl = (...args: readonly string[]) =>
    run(buf, ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...args], { cwd: "/" });

  test.each(["grpc-v1", "grpc-v1alpha"])("lists every method by %s", async (protocol) => {
    const { stdout } = await curl("--reflect-protocol", protocol, "--list-methods", `http://${server.grpc}`);
    expect(stdout.trim().split("\n")).toEqual([
      "grpc.health.v1.Health/Check",
      "grpc.health.v1.Health/List",
      "grpc.health.v1.Health/Watch",
      "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      "holdfast.v1.AdminService/CreateApiKey",
      "holdfast.v1.AdminService/DrainTenant",
      "holdfast.v1.AdminService/ForceRelease",
      "holdfast.v1.AdminService/GetRecordTimeline",
      "holdfast.v1.AdminService/GetTenant",
      "holdfast.v1.AdminService/ListApiKeys",
      "holdfast.v1.AdminService/ListRecords",
      "holdfast.v1.AdminService/ListTenants",
      "holdfast.v1.AdminService/PurgeRecords",
      "holdfast.v1.AdminService/RecheckTenant",
      "holdfast.v1.AdminService/RegisterTenant",
      "holdfast.v1.AdminService/ResetRecord",
      "holdfast.v1.AdminService/ResolveOutcome",
      "holdfast.v1.AdminService/RevokeApiKey",
      "holdfast.v1.AdminService/UnregisterTenant",
      "holdfast.v1.AdminService/UpdateTenant",
      "holdfast.v1.IdempotencyService/Claim",
      "holdfast.v1.IdempotencyService/Complete",
      "holdfast.v1.IdempotencyService/Fail",
      "holdfast.v1.IdempotencyService/GetRecord",
      "holdfast.v1.IdempotencyService/Heartbeat",
      "holdfast.v1.IdempotencyService/ResolveTenant",
      "holdfast.v1.IdempotencyService/Session",
      "holdfast.v1.IdempotencyService/WaitFor",
    ]);
  });

  test("claims a key", async () => {
    const claim = { key: { scope: "charge", key: "by-buf-curl" }, claim_id: "0123456789abcdef" };
    const url = `http://${server.grpc}/holdfast.v1.IdempotencyService/Claim`;
    const { stdout } = await curl("-d", JSON.stringify(claim), url);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "CLAIM_OUTCOME_ACQUIRED" });
  });

  test("waits for a record, and is told when the wait is over", async () => {
    const url = `http://${server.grpc}/holdfast.v1.IdempotencyService/WaitFor`;
    const wait = { targets: [{ key: { scope: "charge", key: "nobody-claims-it" } }], timeout: "1s" };
    const { stdout } = await curl("-d", JSON.stringify(wait), url);
    const told = stdout.split(/\n(?=\{)/).map((message) => JSON.parse(message));
    expect(told).toEqual([{ snapshot: { absent: true } }, { finish: { reason: "REASON_TIMEOUT" } }]);
  });
});

describe("the pages for machines", () => {
  test("a running server is live and ready, and says why", async () => {
    const [live, ready] = await Promise.all([fetch(`${server.http}/livez`), fetch(`${server.http}/readyz`)]);
    expect([live.status, ready.status]).toEqual([200, 200]);
    expect(await ready.json()).toEqual({
      ready: true,
      checks: { database: true, schema: true, accepting: true },
      placements: { main: "up" },
      waiting: expect.stringMatching(/^(notified|polling)$/), // The listener may still be connecting.
    });
  });

  test("the metrics have the ecosystem's series at 0 before the first call, and no label names a key or a tenant", async () => {
    await using fresh = await startServer({ databaseUrl: database.url });
    const response = await fetch(`${fresh.http}/metrics`);
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const page = await response.text();
    const heartbeat = 'grpc_type="unary",grpc_service="holdfast.v1.IdempotencyService",grpc_method="Heartbeat"';
    for (const series of [
      `grpc_server_started_total{${heartbeat}} 0`,
      `grpc_server_handled_total{${heartbeat},grpc_code="Unavailable"} 0`,
      `grpc_server_handling_seconds_count{${heartbeat}} 0`,
      `grpc_server_msg_received_total{${heartbeat}} 0`,
      `grpc_server_msg_sent_total{${heartbeat}} 0`,
      'holdfast_claims_total{outcome="in-progress"} 0',
      'holdfast_acquires_total{reason="takeover"} 0',
      'holdfast_refusals_total{reason="QUOTA_LEASES",blame="caller"} 0',
      'holdfast_key_set_fetches_total{issuer="configured",result="failed"} 0',
      'holdfast_tenant_validations_total{verdict="uncertain"} 0',
      "holdfast_changes_reading ",
      "holdfast_changes_listening ",
      "holdfast_ready 1",
    ]) {
      expect(page).toContain(series);
    }
    expect(page).not.toContain("tls_certificate");
    expect(page).toMatch(/^process_resident_memory_bytes \d+/m);
    const labels = new Set([...page.matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
    expect([...labels].filter((name) => /key|tenant|scope/.test(name ?? ""))).toEqual([]);
  });

  test("claims are counted by outcome, and the batches that carried them", async () => {
    const post = (claimId: string) =>
      fetch(`${server.http}/holdfast.v1.IdempotencyService/Claim`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ key: { scope: "charge", key: "counted" }, claim_id: claimId }),
      });
    await post("0123456789abcdef");
    await post("fedcba9876543210");
    const page = await (await fetch(`${server.http}/metrics`)).text();
    expect(page).toMatch(/holdfast_claims_total\{outcome="in-progress"\} 1/);
    expect(page).toMatch(/holdfast_batch_rows_count\{statement="claim"\} [1-9]/);
    expect(page).toMatch(/holdfast_statement_seconds_count\{statement="claim"\} [1-9]/);
    expect(page).toMatch(/holdfast_pool_connections_open\{placement="main"\} [1-9]/);
  });

  test("HEAD has no body, POST is 405, and what is not there is 404", async () => {
    const head = await fetch(`${server.http}/livez`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const post = await fetch(`${server.http}/livez`, { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    for (const path of ["//", "/", "/holdfast.v1.IdempotencyService/Grab", "/holdfast.v1.IdempotencyService/Claim/"]) {
      expect((await fetch(server.http + path, { method: "POST" })).status).toBe(404);
    }
  });

  test("a page of another host that was pointed at this machine is turned away", async () => {
    const { request } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      const call = request(`${server.http}/readyz`, { headers: { host: "evil.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on("error", reject).end();
    });
    expect(status).toBe(421);
  });
});

describe("grpc.health.v1", () => {
  const check = (service: string) =>
    fetch(`${server.http}/grpc.health.v1.Health/Check`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ service }),
    });

  test.each(["", "holdfast.v1.IdempotencyService"])("the service %j is SERVING", async (service) => {
    expect(await (await check(service)).json()).toEqual({ status: "SERVING" });
  });

  test("an unknown service is NOT_FOUND", async () => {
    expect((await check("other.Service")).status).toBe(404);
  });
});
