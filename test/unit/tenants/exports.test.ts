import {
  DEFAULT_POLICY,
  normaliseHost,
  type RegistryDeps,
  systemClock,
  type TenantRegistration,
  TenantRegistry,
  UNLIMITED,
} from "holdfast/tenants";
import { expect, test } from "vitest";

// As somebody writes it who has the package and nothing else.
test("the registry can be used by itself, with names that the package exports", async () => {
  const deps: RegistryDeps<string> = {
    clock: systemClock,
    now: () => 0,
    build: async ({ id }) => `the runtime of ${id}`,
    dispose() {},
    validate: async () => ({ kind: "accepted" }),
  };
  const acme: TenantRegistration = {
    ...{ id: "acme", displayName: "Acme", issuers: [], agentUrl: "", validator: { kind: "none" }, eager: false },
    hosts: [{ host: normaliseHost("ACME.example:443"), path: "" }],
    ...{ limits: UNLIMITED, policy: DEFAULT_POLICY, placement: "main", serveStates: ["healthy"], encrypted: false },
  };
  const registry = new TenantRegistry(deps);
  registry.registerLazy(acme);
  expect(await registry.resolveHost("acme.example", "/a")).toMatchObject({
    tenant: { id: "acme", health: "healthy" },
    runtime: "the runtime of acme",
  });
  registry.close();
});
