import { describe, expect, test } from "vitest";
import {
  admissionOf,
  DEFAULT_POLICY,
  DEFAULT_TENANT,
  plainTenant,
  refuseAcquire,
  type Tenant,
  UNLIMITED,
} from "../../../src/domain/tenant.ts";
import { DAY } from "../../support/records.ts";

test("a tenant that nobody validates is served at once, without limits, under the usual policy", () => {
  expect(plainTenant("acme")).toEqual({
    ...{ id: "acme", displayName: "acme", health: "healthy", healthReason: "", healthSince: null, draining: false },
    ...{ serveStates: ["healthy", "unverified"], limits: UNLIMITED, policy: DEFAULT_POLICY, generation: 1n },
  });
  expect(DEFAULT_TENANT).toBe("default");
  expect(plainTenant("acme", "Acme Inc.")).toMatchObject({ id: "acme", displayName: "Acme Inc." });
  expect(new Set(Object.values(UNLIMITED).map(Number))).toEqual(new Set([0]));
  expect(DEFAULT_POLICY).toMatchObject({ hold: false, maxAttempts: 0, maxExecutionMs: null });
  expect(DEFAULT_POLICY.resultRetentionMs).toBe(DAY);
});

describe("what a tenant is refused, and how callers are told", () => {
  const ALL = ["healthy", "unverified"] as const;

  test.each([
    ["pending", false, ALL, "TENANT_PENDING", "retry-later"],
    ["pending", true, ALL, "TENANT_PENDING", "retry-later"],
    ["healthy", false, ALL, null, "admit"],
    ["healthy", true, ALL, "TENANT_DRAINING", "refuse"],
    ["healthy", false, ["unverified"], "TENANT_UNVERIFIED", "refuse"],
    ["unverified", false, ALL, null, "admit-degraded"],
    ["unverified", true, ALL, "TENANT_DRAINING", "refuse"],
    ["unverified", false, ["healthy"], "TENANT_UNVERIFIED", "refuse"],
    ["unverified", true, ["healthy"], "TENANT_UNVERIFIED", "refuse"],
    ["disabled", false, ALL, "TENANT_DISABLED", "refuse"],
  ] as const)("%s, draining %s, served while %j: %s, %s", (health, draining, serveStates, refusal, admission) => {
    const tenant: Tenant = { ...plainTenant("acme"), health, draining, serveStates };
    expect(refuseAcquire(tenant)).toBe(refusal);
    expect(admissionOf(tenant)).toBe(admission);
  });
});
