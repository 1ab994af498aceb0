import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminService, type Tenant } from "../../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { TenantHealth } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { type HttpServer, type Respond, startHttpServer } from "../http-server.ts";
import { createSigner } from "../tokens.ts";
import { as, newTenantId, useAccessStand } from "./access-stand.ts";
import { row } from "./rows.ts";
import { CANARY, call, leaseOf, livesOn } from "./stand.ts";
import { DISTINCT_WIRES } from "./wires.ts";

const { claim, resolveTenant } = IdempotencyService.method;
const { getTenant, listTenants, recheckTenant, updateTenant } = AdminService.method;

const routes = new Map<string, Respond>();
const requests: IncomingMessage[] = [];
let validators: HttpServer;

beforeAll(async () => {
  validators = await startHttpServer(routes);
});

const { stand, access } = useAccessStand(() => [
  ...["--validator-loopback", "--validator-port", String(validators.port)],
]);

afterAll(() => validators?.[Symbol.asyncDispose]());

const KIB = 1024;
const MIB = 1024 * KIB;

/** Sends without end, as fast as it is taken. */
function flood(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * KIB, CANARY);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", more);
  more();
}

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write("."), 1000);
  response.on("close", () => clearInterval(timer));
}

const DISABLED = TenantHealth.DISABLED;
const PENDING = TenantHealth.PENDING;

/** What a validator answers, and what that makes of a tenant that has never been validated. */
const HTTP: readonly (readonly [string, Respond, TenantHealth])[] = [
  ["redirects to a private address", redirect(302, `http://10.0.0.1/${CANARY}`), DISABLED],
  ["redirects to what clouds tell their machines", redirect(307, `http://169.254.169.254/${CANARY}`), DISABLED],
  ["redirects to itself", redirect(301, `/${CANARY}`), DISABLED],
  ["redirects to a file", redirect(308, `file:///etc/${CANARY}`), DISABLED],
  ["refuses", (_, response) => void response.writeHead(403, { "www-authenticate": CANARY }).end(CANARY), DISABLED],
  ["fails", (_, response) => void response.writeHead(500, CANARY).end(CANARY), PENDING],
  ["announces a GiB", (_, response) => flood(response.writeHead(200, { "content-length": String(1 << 30) })), DISABLED],
  ["sends without end", (_, response) => flood(response.writeHead(200)), DISABLED],
  ["sends a byte a second", (_, response) => drip(response.writeHead(200)), PENDING],
  ["says nothing", () => undefined, PENDING],
  ["hangs up", ({ socket }) => void socket.resetAndDestroy(), PENDING],
  ["hangs up in the middle", ({ socket }, response) => void response.write(CANARY, () => socket.destroy()), PENDING],
  ["speaks something else", ({ socket }) => void socket.end(`${CANARY} 200 OK\r\n\r\n`), PENDING],
  ["sends a header of 64 KiB", (_, response) => void response.setHeader("x", "a".repeat(64 * KIB)).end(), DISABLED],
];

function redirect(status: number, location: string): Respond {
  return (_, response) => void response.writeHead(status, { location }).end(CANARY);
}

const rsa = (bits: number, change: object = {}) => ({
  ...{ kty: "RSA", e: "AQAB", n: Buffer.concat([Buffer.of(0xff), randomBytes(bits / 8 - 1)]).toString("base64url") },
  ...change,
});
const good = createSigner(CANARY).jwk;
const nested = (depth: number) => `{"keys":[${"[".repeat(depth)}${"]".repeat(depth)}]}`;

const KEY_SETS: Readonly<Record<string, string | Buffer>> = {
  "of 10 000 keys": sets(Array.from({ length: 10_000 }, (_, i) => ({ kty: "EC", crv: "P-256", kid: `${i}` }))),
  "of 101 keys": sets(Array.from({ length: 101 }, (_, i) => ({ ...good, kid: `${i}` }))),
  "of an RSA key of 16 384 bits": sets([good, rsa(16_384)]),
  "of an RSA key of a MiBit": sets([good, rsa(MIB)]),
  "of an RSA key of 1024 bits": sets([good, rsa(1024)]),
  "of an RSA key with a huge exponent": sets([rsa(2048, { e: randomBytes(256).toString("base64url") })]),
  "of a secret": sets([good, { kty: "oct", k: Buffer.from(CANARY).toString("base64url") }]),
  "of a private key": sets([{ ...good, d: CANARY }]),
  "of two keys of one kid": sets([good, { ...rsa(2048), kid: CANARY }]),
  "of keys for encryption only": sets([{ ...good, use: "enc" }]),
  "of a point that is on no curve": sets([{ kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) }]),
  "of nothing": sets([]),
  "of words": sets([CANARY, null, 5]),
  "that is no JSON": CANARY,
  "that is no UTF-8": Buffer.concat([Buffer.from('{"keys":["'), Buffer.of(0xff, 0xfe), Buffer.from('"]}')]),
  "that is nested 100 000 deep": nested(100_000),
  "that is compressed": gzipSync(sets([good])),
  "that has another's members": '{"__proto__":{"keys":[]},"keys":{"length":1}}',
};

function sets(keys: readonly unknown[]): string {
  return JSON.stringify({ keys });
}

/** Registers a tenant whose validator answers like this. Others are served all along. */
async function validated(kind: "httpUrl" | "jwksUrl", respond: Respond): Promise<Tenant> {
  const tenantId = newTenantId();
  const path = `/${CANARY}/${tenantId}`;
  routes.set(path, (request, response) => {
    requests.push(request);
    respond(request, response);
  });
  const url = `${validators.url(path)}?${CANARY}`;
  let isOver = false;
  const others = DISTINCT_WIRES.map(async (name) => {
    do {
      const answer = await call(stand.wires[name], claim, { key: newKey(), claimId: newClaimId() });
      expect(leaseOf(answer).attempt).toBe(1);
    } while (!isOver);
  });
  try {
    await access.register({ tenantId, validator: { kind: { case: kind, value: url } } });
    // Who waits for the first verdict waits as long as a validator may take: either may come first.
    return await untilJudged(tenantId);
  } finally {
    isOver = true;
    await Promise.all(others);
  }
}

async function untilJudged(tenantId: string): Promise<Tenant> {
  for (;;) {
    const { tenant } = await access.ask(getTenant, { tenantId });
    if (tenant === undefined) throw new Error("it is registered");
    if (tenant.health !== PENDING || tenant.healthReason !== "") return tenant;
  }
}

/** Nothing of the target: neither what it answered nor where it is. */
async function expectSilence({ registration, healthReason }: Tenant): Promise<void> {
  const tenantId = registration?.tenantId ?? "";
  const selector = { case: "tenantId", value: tenantId } as const;
  const { secret } = await access.newKey(tenantId);
  const told = await call(as(stand.wires.gRPC, secret), resolveTenant, { selector });
  expect(told.healthReason).toBe(healthReason);
  for (const secret of [CANARY, String(validators.port), "127.0.0.1", "10.0.0.1", "169.254"]) {
    expect(healthReason).not.toContain(secret);
  }
}

describe(row(91), () => {
  test.each(HTTP)("one that %s", async (_, respond, health) => {
    const tenant = await validated("httpUrl", respond);
    expect(tenant.health).toBe(health);
    expect(tenant.healthReason).toMatch(/^[a-z0-9 ,']{10,100}$/i);
    await expectSilence(tenant);
  });

  test("no one is sent a credential, and each is asked once however often it is rechecked", async () => {
    const tenant = await validated("httpUrl", (_, response) => void response.writeHead(503).end());
    const tenantId = tenant.registration?.tenantId ?? "";
    // No caller may have more than 16 under way.
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 12 }, () => access.ask(recheckTenant, { tenantId })));
    }
    expect(validators.asked.get(`/${CANARY}/${tenantId}`)).toBe(1);
    for (const { headers, method } of requests) {
      expect({ method, credential: headers.authorization ?? headers.cookie }).toEqual({ method: "GET" });
    }
  });

  test("none that disagrees takes the place of one's registration", async () => {
    const tenantId = newTenantId();
    await access.register({ tenantId, displayName: "before" });
    routes.set(`/${tenantId}/no`, redirect(302, `http://10.0.0.1/${CANARY}`));
    const validator = { kind: { case: "httpUrl", value: `${validators.url(`/${tenantId}/no`)}?${CANARY}` } } as const;
    const registration = { tenantId, displayName: "after", validator };
    await expect(access.ask(updateTenant, { registration })).rejects.toThrow(/FAILED_PRECONDITION/);
    const { tenant } = await access.ask(getTenant, { tenantId });
    expect(tenant).toMatchObject({ registration: { displayName: "before" }, health: TenantHealth.HEALTHY });
  });
});

describe(row(92), () => {
  test.each(Object.entries(KEY_SETS))("one %s", async (_, body) => {
    const tenant = await validated("jwksUrl", (_, response) => void response.end(body));
    expect(tenant.health).toBe(DISABLED);
    expect(tenant.healthReason).toMatch(/key set|256 KiB/);
    await expectSilence(tenant);
  });

  test("one that is good", async () => {
    const tenant = await validated("jwksUrl", (_, response) => void response.end(sets([good])));
    expect(tenant.health).toBe(TenantHealth.HEALTHY);
  });

  test("a list of tenants shows the addresses to who may administer them, and to nobody else", async () => {
    const { tenants } = await call(stand.wires.gRPC, listTenants, {});
    expect(tenants.map(({ registration }) => registration?.tenantId)).toEqual(["default"]);
  });
});

livesOn(stand);
