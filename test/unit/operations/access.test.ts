import { describe, expect, test } from "vitest";
import type { Authenticator, Principal, Role } from "../../../src/auth/authenticator.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { plainTenant, type Tenant } from "../../../src/domain/tenant.ts";
import { acquire, bundle, claimOf, KEY, methods, oneTenant } from "../rpc/bundle.ts";

function credentialOf(principal: Partial<Principal>): Authenticator {
  const roles = new Set<Role>(["claim", "read"]);
  return { authenticate: async () => ({ tenant: null, roles, authenticated: true, name: "test", ...principal }) };
}

const acme = plainTenant("acme");
const other = plainTenant("other");
const tenants = [
  { tenant: acme, hosts: ["acme.example"] },
  { tenant: other, hosts: ["other.example"] },
];

const handle = { token: new Uint8Array(16), fence: 1n };
const named = (tenant: string) => ({ ...KEY, tenant });

/** Every call that names a record, of the given tenant. */
const calls = [
  ["Claim", (tenant: string) => [methods.claim, claimOf({ key: named(tenant) })]],
  ["Heartbeat", (tenant: string) => [methods.heartbeat, { handle: { ...handle, key: named(tenant) } }]],
  [
    "Complete",
    (tenant: string) => [
      methods.complete,
      { handle: { ...handle, key: named(tenant) }, result: { body: { case: "omittedReason", value: "" } } },
    ],
  ],
  ["Fail", (tenant: string) => [methods.fail, { handle: { ...handle, key: named(tenant) }, kind: 2 }]],
  ["GetRecord", (tenant: string) => [methods.getRecord, { key: named(tenant) }]],
] as const;

describe.each(calls)("%s", (_, request) => {
  const reasonOf = async (own: ReturnType<typeof bundle>, tenant: string) => {
    const [method, message] = request(tenant);
    const { reason, message: text, retryMs } = await own.failure(method as never, message as never);
    return { reason, text, retryMs };
  };

  test("tells an unknown tenant from one that is not visible to nobody", async () => {
    const own = bundle({ tenants, authenticator: credentialOf({ tenant: "acme" }) });
    const [unknown, invisible] = [await reasonOf(own, "nobody"), await reasonOf(own, "other")];
    expect(unknown).toEqual(invisible);
    expect(unknown).toMatchObject({ reason: "TENANT_FORBIDDEN", retryMs: null });
    const everywhere = bundle({ tenants, authenticator: credentialOf({}) });
    expect(await reasonOf(everywhere, "nobody")).toEqual(unknown);
  });

  test("says that a tenant is unknown on a server without authentication", async () => {
    expect((await reasonOf(bundle({ tenants }), "nobody")).reason).toBe("TENANT_NOT_FOUND");
  });

  test("needs its role", async () => {
    const own = bundle({ tenants, authenticator: credentialOf({ roles: new Set() }) });
    expect((await reasonOf(own, "acme")).reason).toBe("ROLE_REQUIRED");
  });

  test("fails, and says when to come back, while nobody can tell whose the tenant is", async () => {
    const refuse = () => Promise.reject(new Fault("STORE_UNAVAILABLE", "down"));
    const down = () => ({ enter: refuse, find: refuse });
    const told = await reasonOf(bundle({ tenants: down }), "acme");
    expect(told.reason).toBe("STORE_UNAVAILABLE");
    expect(told.retryMs).toBeGreaterThan(0);
  });
});

test("a call that names no tenant is its credential's", async () => {
  const own = bundle({ tenants, authenticator: credentialOf({ tenant: "acme" }) });
  const { handle } = await acquire(own);
  expect(handle.key?.tenant).toBe("acme");
});

test("tenants do not see each other's records", async () => {
  const own = bundle({ tenants });
  const { handle } = await acquire(own, { key: named("acme") });
  const theirs = { token: handle.token, fence: handle.fence, key: named("other") };
  expect((await own.failure(methods.heartbeat, { handle: theirs })).reason).toBe("RECORD_NOT_FOUND");
  expect((await own.failure(methods.getRecord, { key: named("other") })).reason).toBe("RECORD_NOT_FOUND");
  expect((await acquire(own, { key: named("other") })).lease?.attempt).toBe(1);
});

describe("a tenant that may not acquire", () => {
  const cases: readonly [string, Tenant][] = [
    ["TENANT_PENDING", { ...acme, health: "pending" }],
    ["TENANT_DISABLED", { ...acme, health: "disabled" }],
    ["TENANT_UNVERIFIED", { ...acme, health: "unverified", serveStates: ["healthy"] }],
    ["TENANT_DRAINING", { ...acme, draining: true }],
  ];

  test.each(cases)(
    "is told %s for a fresh key, while what is held may finish and is replayed",
    async (reason, barred) => {
      let tenant: Tenant = acme;
      const own = bundle({ tenants: oneTenant(() => tenant) });
      const request = claimOf();
      const { detail } = await own.call(methods.claim, request);
      if (detail.case !== "acquired" || detail.value.lease?.handle === undefined) throw new Error("not acquired");
      tenant = barred;

      const { handle } = detail.value.lease;
      const fresh = claimOf({ key: { ...KEY, key: "evt_2" } });
      const refused = await own.failure(methods.claim, fresh);
      expect(refused.reason).toBe(reason);
      expect(refused.retryMs === null).toBe(reason !== "TENANT_PENDING");
      expect((await own.failure(methods.getRecord, { key: { ...KEY, key: "evt_2" } })).reason).toBe("RECORD_NOT_FOUND");

      expect((await own.call(methods.claim, request)).detail.case).toBe("acquired");
      await own.call(methods.heartbeat, { handle });
      await own.call(methods.complete, { handle, result: { body: { case: "omittedReason", value: "" } } });
      expect((await own.call(methods.claim, claimOf())).detail.case).toBe("completed");
    },
  );

  test("is told of itself before it is told of the server's drain", async () => {
    const own = bundle({
      tenants: oneTenant(() => ({ ...acme, draining: true })),
      admission: () => new Fault("DRAINING", "this server shuts down"),
    });
    expect((await own.failure(methods.claim, claimOf())).reason).toBe("TENANT_DRAINING");
  });

  test("serves though unverified, when it says so", async () => {
    const own = bundle({ tenants: oneTenant(() => ({ ...acme, health: "unverified" })) });
    expect((await own.call(methods.claim, claimOf())).detail.case).toBe("acquired");
  });
});
