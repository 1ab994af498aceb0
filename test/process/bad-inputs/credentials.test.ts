import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { AdminService, Role } from "../../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { startServer } from "../server.ts";
import {
  as,
  CREDENTIALS_INVALID,
  EVERYTHING,
  newTenantId,
  ROLE_REQUIRED,
  refusesAs,
  said,
  unknownTenantId,
  useAccessStand,
  WORK,
} from "./access-stand.ts";
import type { Answer } from "./answer.ts";
import { everyCall, nobodys, WAIT_FOR } from "./every-call.ts";
import { row } from "./rows.ts";
import { acquire, CANARY, call, generic, lives, livesOn, readRefusal } from "./stand.ts";
import { DISTINCT_WIRES, encode, utf8, WIRES, type WireName } from "./wires.ts";

const { method } = IdempotencyService;
const { createApiKey, listApiKeys, registerTenant, revokeApiKey } = AdminService.method;
const { stand, access } = useAccessStand();

const claimOf = () => ({ key: newKey(), claimId: newClaimId() });

/** To plain Connect a stream is another content type: the call would not get as far as the credential. */
const carries = (name: WireName, rpc: unknown) => rpc !== WAIT_FOR || name !== "Connect JSON";

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test(`${row(20)}: every method refuses, with one text and before it looks at the request`, async () => {
    const texts = new Set<string>();
    const calls = [...everyCall(nobodys("default")), ...everyCall(nobodys(unknownTenantId()))];
    for (const { method: rpc, init } of calls.filter(({ method: rpc }) => carries(name, rpc))) {
      texts.add(said(await refusesAs(stand, name, null, rpc, init, CREDENTIALS_INVALID)));
      // What cannot be decoded on a session names no call, whose caller could be asked who he is: it ends the stream.
      if (name !== "Session") texts.add(said(await as(stand.wires[name], "").send(rpc, utf8(CANARY))));
    }
    expect(texts.size).toBe(1);
  });

  test.each<[string, () => string]>([
    ["an empty header", () => ""],
    ["a scheme without a token", () => "Bearer"],
    ["a scheme and a space", () => "Bearer "],
    ["another scheme", () => `Basic ${Buffer.from(access.worker).toString("base64")}`],
    ["a key without a scheme", () => access.worker],
    ["two keys", () => `Bearer ${access.worker}, Bearer ${access.worker}`],
    ["two words", () => `Bearer ${access.worker} ${CANARY}`],
    ["a key in quotes", () => `Bearer "${access.worker}"`],
    ["a key with more behind it", () => `Bearer ${access.worker}${CANARY}`],
    ["a key that was cut off", () => `Bearer ${access.worker.slice(0, -1)}`],
    ["a key in upper case", () => `Bearer ${access.worker.toUpperCase()}`],
    ["a key with another prefix", () => `Bearer ${access.worker.replace("hf_", "xf_")}`],
    ["a key with another id", () => `Bearer hf_${"A".repeat(16)}${access.worker.slice(19)}`],
    ["an id that is no id", () => `Bearer hf_../../etc/passwd.${"a".repeat(43)}`],
    ["the id alone", () => `Bearer ${access.worker.split(".")[0]}`],
    ["the name of a property", () => "Bearer __proto__"],
    ["bytes that are no text", () => "Bearer \u00e9\u00ff"],
  ])(`${row(20)}, or none that counts: %s`, async (_, authorization) => {
    const bare = await as(stand.wires[name], null).send(generic(method.getRecord), utf8(""));
    const request = claimOf();
    const header = authorization();
    const refused = await refusesAs(stand, name, null, method.claim, request, CREDENTIALS_INVALID, header);
    expect(said(refused)).toBe(said(bare));
    expect(refused.received).not.toContain(access.worker.split(".")[1]);
  });

  test(row(22), async () => {
    const wire = stand.wires[name];
    const [right, revoked, expired] = await Promise.all(Array.from({ length: 3 }, () => access.newKey("default")));
    if (right === undefined || revoked === undefined || expired === undefined) throw new Error("three keys");
    await access.ask(revokeApiKey, { keyId: revoked.id });
    // A minute is the least that a key may live: it is aged before anybody has looked at it.
    await stand.sql.query("update holdfast.api_key set expire_time = create_time - interval '1 s' where id = $1", [
      expired.id,
    ]);
    const wrong = `hf_${right.id}.${"w".repeat(43)}`;
    const unknown = `hf_${"Z".repeat(16)}.${"w".repeat(43)}`;
    await call(as(wire, right.secret), method.claim, claimOf());

    const texts = new Set<string>();
    for (let round = 0; round < 3; round++) {
      for (const token of [wrong, unknown, revoked.secret, expired.secret]) {
        const answer = await refusesAs(stand, name, token, method.claim, claimOf(), CREDENTIALS_INVALID);
        texts.add(said(answer));
        expect(answer.received).not.toContain(token.slice(3, 19));
      }
    }
    expect(texts.size).toBe(1);
    await call(as(wire, right.secret), method.claim, claimOf());
  });

  test(`${row(23)} does not get past the transport, and one below that is refused like any other`, async () => {
    const huge = WIRES[name](stand.server);
    const sent: Promise<Pick<Answer, "code" | "received">> = as(huge, `hf_${CANARY.repeat((1 << 20) / 6)}`)
      .send(generic(method.claim), encode(huge, method.claim, claimOf()))
      .catch(() => ({ code: "UNAVAILABLE", received: "" }));
    const { code, received } = await sent;
    expect(code).not.toBe("OK");
    expect(received).not.toContain(CANARY);
    huge[Symbol.dispose]();
    await lives(stand.wires[name]);

    const bytes = name === "gRPC" ? 60_000 : 15_000;
    for (const token of [`hf_${"A".repeat(16)}.${"a".repeat(bytes)}`, `${"a".repeat(bytes)}.e30.e30`]) {
      await refusesAs(stand, name, token, method.claim, claimOf(), CREDENTIALS_INVALID);
    }
  });

  test.each<[string, Role]>([
    ["claim", Role.CLAIM],
    ["read", Role.READ],
    ["operate", Role.OPERATE],
    ["admin", Role.ADMIN],
  ])("the role %s allows its own calls of its own tenant, and no other", async (_, role) => {
    const { secret } = await access.newKey("default", [role]);
    const wire = as(stand.wires[name], secret);
    const handle = await acquire(stand.wires[name], { key: newKey() });
    for (const { method: rpc, init } of everyCall({ ...nobodys("default"), handle })) {
      if (!carries(name, rpc) || rpc.name === "ResolveTenant" || rpc.name === "WaitFor") continue;
      const permitted = ROLES[rpc.name]?.includes(role) ?? false;
      if (!permitted) {
        await refusesAs(stand, name, secret, rpc, init, ROLE_REQUIRED);
      } else if (rpc.name !== "DrainTenant") {
        expect(readRefusal(await wire.send(rpc, encode(wire, rpc, init))).reason).not.toBe("ROLE_REQUIRED");
      }
    }
    if (carries(name, WAIT_FOR) && role !== Role.READ) {
      await refusesAs(stand, name, secret, WAIT_FOR, { targets: [{ key: newKey() }] } as never, ROLE_REQUIRED);
    }
  });

  test("who administers one tenant registers none, and makes keys of no other and of not all", async () => {
    const tenantId = newTenantId();
    await access.register({ tenantId });
    const own = (await access.newKey(tenantId, EVERYTHING)).secret;
    const registration = { tenantId: unknownTenantId() };
    await refusesAs(stand, name, own, registerTenant, { registration }, ROLE_REQUIRED);
    const roles = [...WORK];
    const forbidden = { code: "PERMISSION_DENIED", reason: "TENANT_FORBIDDEN" } as const;
    await refusesAs(stand, name, own, createApiKey, { tenantId: "default", roles }, forbidden);
    const wire = as(stand.wires[name], own);
    const { apiKey } = await call(wire, createApiKey, { roles: [Role.ADMIN] });
    expect(apiKey?.tenantId).toBe(tenantId);
    const { apiKeys } = await call(wire, listApiKeys, {});
    expect(new Set(apiKeys.map((key) => key.tenantId))).toEqual(new Set([tenantId]));
  });
});

const OPERATING = [Role.OPERATE, Role.ADMIN];

/** Which roles allow each call; what only an administrator of all may do is refused to all of them here. */
const ROLES: Readonly<Record<string, readonly Role[]>> = {
  ...{ Claim: [Role.CLAIM], Heartbeat: [Role.CLAIM], Complete: [Role.CLAIM], Fail: [Role.CLAIM] },
  ...{ GetRecord: [Role.READ], GetRecordTimeline: [Role.READ, ...OPERATING], ListRecords: EVERYTHING },
  ...{ RegisterTenant: [], UpdateTenant: [], UnregisterTenant: [] },
  ...{ RecheckTenant: OPERATING, DrainTenant: OPERATING, GetTenant: OPERATING, ListTenants: OPERATING },
  ...{ CreateApiKey: [Role.ADMIN], RevokeApiKey: [Role.ADMIN], ListApiKeys: [Role.ADMIN] },
  ...{ ForceRelease: OPERATING, ResolveOutcome: OPERATING, ResetRecord: OPERATING, PurgeRecords: OPERATING },
};

describe("without any credential", () => {
  const transport = () => createGrpcTransport({ baseUrl: `http://${stand.server.grpc}` });

  test("health is told, of the services and not of tenants", async () => {
    const health = createClient(Health, transport());
    for (const service of ["", IdempotencyService.typeName, AdminService.typeName]) {
      expect((await health.check({ service })).status).toBe(ServingStatus.SERVING);
    }
    await expect(health.check({ service: "default" })).rejects.toMatchObject({ rawMessage: "no service of this name" });
  });

  test("reflection describes the services, which are public anyway", async () => {
    async function* questions() {
      yield { messageRequest: { case: "listServices", value: "" } } as const;
    }
    const [answer] = await Array.fromAsync(
      createClient(ServerReflection, transport()).serverReflectionInfo(questions()),
    );
    const listed = answer?.messageResponse;
    const services = listed?.case === "listServicesResponse" ? listed.value.service : [];
    expect(services.map(({ name }) => name)).toContain(AdminService.typeName);
  });

  test("pages for machines say nothing of tenants and keys", async () => {
    const { id } = await access.newKey("default");
    await access.register({ tenantId: newTenantId() });
    for (const page of ["/metrics", "/readyz", "/livez"]) {
      const response = await fetch(stand.server.http + page);
      const text = await response.text();
      expect(response.status).toBe(200);
      for (const secret of [CANARY, id, access.worker, access.admin]) expect(text).not.toContain(secret);
    }
  });
});

test("a replay is authorised anew: the key that made the result is worth nothing once it is revoked, on no server", async () => {
  const more = ["--auth", "api-key"];
  await using other = await startServer({ databaseUrl: stand.database.url, args: more });
  const { id, secret } = await access.newKey("default");
  const elsewhere = WIRES.gRPC(other);
  const wires = [as(stand.wires.gRPC, secret), as(elsewhere, secret)];
  const request = claimOf();
  const [here] = wires;
  if (here === undefined) throw new Error("two wires");
  const handle = await acquire(here, request);
  await call(here, method.complete, { handle, result: { body: { case: "inline", value: utf8(CANARY) } } });
  for (const wire of wires) expect((await call(wire, method.claim, request)).detail.case).toBe("completed");

  await access.ask(revokeApiKey, { keyId: id });
  for (const wire of wires) {
    const replay = () => wire.send(generic(method.claim), encode(wire, method.claim, request));
    let answer = await replay();
    // The other server hears of it within a second; the test's own limit bounds it.
    while (wire !== here && answer.code === "OK") answer = await replay();
    expect(readRefusal(answer)).toMatchObject(CREDENTIALS_INVALID);
    expect(answer.received).not.toContain(CANARY);
  }
  elsewhere[Symbol.dispose]();
});

livesOn(stand);
