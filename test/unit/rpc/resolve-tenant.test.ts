import { describe, expect, test } from "vitest";
import { Admission, TenantHealth } from "../../../gen/holdfast/v1/tenant_pb.ts";
import type { Authenticator } from "../../../src/auth/authenticator.ts";
import { plainTenant, type Tenant } from "../../../src/domain/tenant.ts";
import { NOW } from "../../support/records.ts";
import { bundle, methods, oneTenant } from "./bundle.ts";

const acme: Tenant = {
  ...plainTenant("acme", "Acme"),
  generation: 7n,
  limits: { newRecordsPerSecond: 1.5, newRecordsBurst: 3, liveRecords: 4n, storedBytes: 5n, leases: 6, waiters: 7 },
};

const tenants = [{ tenant: acme, hosts: ["acme.example", "[2001:db8::1]"] }, { tenant: plainTenant("other") }];

const byId = (value: string) => ({ selector: { case: "tenantId" as const, value } });
const byHost = (host: string) => ({ selector: { case: "host" as const, value: { host, path: "/a" } } });

test("a tenant is found by its id, with everything that is known of it", async () => {
  expect(await bundle({ tenants }).call(methods.resolveTenant, byId("acme"))).toMatchObject({
    tenantId: "acme",
    displayName: "Acme",
    health: TenantHealth.HEALTHY,
    admission: Admission.ADMIT,
    generation: 7n,
    limits: acme.limits,
    cacheTtl: { seconds: 10n },
  });
});

test.each(["acme.example", "ACME.example.:8443", "https://acme.example/path", "[2001:DB8::0:1]:443"])(
  "a tenant is found by its host, spelt %s",
  async (spelling) => {
    expect((await bundle({ tenants }).call(methods.resolveTenant, byHost(spelling))).tenantId).toBe("acme");
  },
);

describe("nobody is found, and all in one way, by", () => {
  test.each([
    ["an unknown id", byId("nobody")],
    ["an id in other letters", byId("ACME")],
    ["an unknown host", byHost("other.example")],
    ["a host below a known one", byHost("api.acme.example")],
    ["a wildcard", byHost("*")],
    ["a pattern", byHost("%")],
    ["a path upwards", byHost("../")],
    ["a homograph", byHost("аcme.example")],
    ["an issuer", { selector: { case: "issuer" as const, value: { issuer: "acme", subject: "acme" } } }],
  ])("%s", async (_, request) => {
    const own = bundle({ tenants });
    const sent = await own.failure(methods.resolveTenant, request);
    expect(sent).toMatchObject({ reason: "TENANT_NOT_FOUND", message: "there is no such tenant", retryMs: null });
  });
});

test("a credential of one tenant is told of no other", async () => {
  const authenticator: Authenticator = {
    authenticate: async () => ({ tenant: "acme", roles: new Set(), authenticated: true, name: "test" }),
  };
  const own = bundle({ tenants, authenticator });
  expect((await own.call(methods.resolveTenant, byId("acme"))).tenantId).toBe("acme");
  const [other, nobody] = [
    await own.failure(methods.resolveTenant, byId("other")),
    await own.failure(methods.resolveTenant, byId("nobody")),
  ];
  expect(other.reason).toBe("TENANT_FORBIDDEN");
  expect(other.message).toBe(nobody.message);
});

test.each<[string, Partial<Tenant>, TenantHealth, Admission, boolean]>([
  ["healthy", { healthSince: NOW }, TenantHealth.HEALTHY, Admission.ADMIT, false],
  ["unverified", { health: "unverified" }, TenantHealth.UNVERIFIED, Admission.ADMIT_DEGRADED, false],
  [
    "unverified and not served so",
    { health: "unverified", serveStates: ["healthy"] },
    TenantHealth.UNVERIFIED,
    Admission.REFUSE,
    false,
  ],
  ["pending", { health: "pending" }, TenantHealth.PENDING, Admission.RETRY_LATER, true],
  ["disabled", { health: "disabled", healthReason: "refused" }, TenantHealth.DISABLED, Admission.REFUSE, false],
  ["draining", { draining: true }, TenantHealth.HEALTHY, Admission.REFUSE, false],
])("the verdict on a tenant that is %s", async (_, change, health, admission, retries) => {
  const own = bundle({ tenants: oneTenant(() => ({ ...acme, ...change })) });
  const answer = await own.call(methods.resolveTenant, byId("acme"));
  expect(answer).toMatchObject({ health, admission, healthReason: change.healthReason ?? "" });
  expect(answer.retryAfter !== undefined).toBe(retries);
  expect(answer.healthSince !== undefined).toBe(change.healthSince !== undefined);
});
