import { describe, expect, test } from "vitest";
import { logApiKeyChanges, logRecordChanges, logTenantChanges } from "../../../src/telemetry/change-log.ts";
import type { LogFields } from "../../../src/telemetry/log.ts";
import { createMemoryApiKeyTable, freshApiKey } from "../../support/api-key-table.ts";
import { NOW } from "../../support/records.ts";
import { createMemoryTenantTable } from "../../support/tenant-table.ts";
import { registrationOf } from "../tenants/registry/scene.ts";

const BY = { actor: "api-key:root", reason: "a secret that somebody typed" };
const NEVER = Number.POSITIVE_INFINITY;

function keptLog() {
  const lines: { readonly message: string; readonly fields: LogFields }[] = [];
  return { lines, log: { info: (fields: LogFields, message: string) => void lines.push({ message, fields }) } };
}

describe("changes of tenants", () => {
  const acme = registrationOf("acme");

  test("are one line each, with who made what of whom", async () => {
    const { lines, log } = keptLog();
    const table = logTenantChanges(
      createMemoryTenantTable(() => NOW),
      log,
    );
    const registered = await table.register(acme, "healthy", BY);
    const updated = await table.update({ ...acme, displayName: "Acme" }, null, registered.generation, BY);
    await table.drain("acme", true, BY);
    await table.drain("acme", false, { actor: "server", reason: "" });
    expect(await table.unregister("acme", BY)).toBe(true);
    const fields = { actor: "api-key:root", tenant: "acme" };
    const generation = String(updated?.generation);
    expect(lines).toEqual([
      {
        message: "a tenant was registered",
        fields: { ...fields, action: "register", generation: String(registered.generation) },
      },
      { message: "a tenant was updated", fields: { ...fields, action: "update", generation } },
      { message: "a tenant is drained", fields: { ...fields, action: "drain", generation } },
      { message: "a tenant acquires again", fields: { ...fields, actor: "server", action: "resume", generation } },
      { message: "a tenant was unregistered", fields: { ...fields, action: "unregister" } },
    ]);
    expect(JSON.stringify(lines)).not.toContain(BY.reason);
  });

  test("reach the table with every argument", async () => {
    const given: unknown[][] = [];
    const memory = createMemoryTenantTable(() => NOW);
    const drain = async (...args: Parameters<typeof memory.drain>) => {
      given.push(args);
      return null;
    };
    const table = logTenantChanges({ ...memory, drain }, keptLog().log);
    const args = ["acme", true, BY, 5_000] as unknown as Parameters<typeof memory.drain>;
    await table.drain(...args);
    expect(given).toEqual([["acme", true, BY, 5_000]]);
  });

  test("that were not made are none, and neither are looks", async () => {
    const { lines, log } = keptLog();
    const table = logTenantChanges(
      createMemoryTenantTable(() => NOW),
      log,
    );
    expect(await table.update(acme, null, null, BY)).toBe(null);
    expect(await table.unregister("acme", BY)).toBe(false);
    expect(await table.drain("acme", true, BY)).toBe(null);
    await table.register(acme, "healthy", BY);
    lines.splice(0);
    await expect(table.register(acme, "healthy", BY)).rejects.toMatchObject({ code: "TENANT_EXISTS" });
    expect(await table.read("acme", NEVER)).toMatchObject({ registration: { id: "acme" } });
    expect(await table.list("", 10, NEVER)).toHaveLength(1);
    expect(lines).toEqual([]);
  });
});

describe("changes of API keys", () => {
  test("are one line each, with the key's id and nothing of its secret", async () => {
    const { lines, log } = keptLog();
    const table = logApiKeyChanges(
      createMemoryApiKeyTable(() => NOW),
      log,
    );
    const { input, text } = freshApiKey({ tenant: null });
    await table.create(input, BY);
    await table.revoke(input.id, null, { ...BY, actor: "command-line" });
    const fields = { apiKey: input.id, tenant: null };
    expect(lines).toEqual([
      {
        message: "an API key was created",
        fields: { ...fields, actor: "api-key:root", action: "create", roles: [...input.roles] },
      },
      { message: "an API key was revoked", fields: { ...fields, actor: "command-line", action: "revoke" } },
    ]);
    const [, secret = text] = text.split(".");
    expect(JSON.stringify(lines)).not.toContain(secret);
    expect(JSON.stringify(lines)).not.toContain(BY.reason);
  });

  test("that were not made are none", async () => {
    const { lines, log } = keptLog();
    const table = logApiKeyChanges(
      createMemoryApiKeyTable(() => NOW),
      log,
    );
    expect(await table.revoke("nobodys", null, BY)).toBe(null);
    expect(lines).toEqual([]);
  });
});

describe("changes of records", () => {
  const by = { actor: "api-key:operator", tenant: "acme" };

  test.each([
    ["release", "a record was released"],
    ["resolve", "an unknown outcome was resolved"],
    ["reset", "a record was reset"],
  ] as const)("are one line each, with who and whose, and where more is said: %s", (action, message) => {
    const { lines, log } = keptLog();
    logRecordChanges(log).changed({ ...by, action, auditSequence: 7n });
    expect(lines).toEqual([{ message, fields: { ...by, action, auditSequence: "7" } }]);
  });

  test("that delete are one line for each call", () => {
    const { lines, log } = keptLog();
    const purge = { ...by, action: "purge", target: "scope", purged: 12, redacted: 2, held: 1 } as const;
    logRecordChanges(log).purged(purge);
    expect(lines).toEqual([{ message: "records were purged", fields: purge }]);
  });
});
