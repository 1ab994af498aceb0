import { describe, expect, test } from "vitest";
import { Code } from "../../../../gen/google/rpc/code_pb.ts";
import type { Principal, Role } from "../../../../src/auth/authenticator.ts";
import { plainTenant } from "../../../../src/domain/tenant.ts";
import { KEY } from "../bundle.ts";
import { admin, MADE, OPERATOR, REASON, recordStand, roles } from "./records-stand.ts";

const record = (tenant: string) => ({ key: { ...KEY, tenant } });

/** A call of each method about the tenant's record, and the state in which it may be made. */
const CALLS = {
  list: [admin.listRecords, (tenantId: string) => ({ tenantId }), "held"],
  "list with outcomes": [admin.listRecords, (tenantId: string) => ({ tenantId, includeOutcomes: true }), "held"],
  timeline: [admin.getRecordTimeline, record, "held"],
  release: [admin.forceRelease, (tenant: string) => ({ ...record(tenant), reason: REASON }), "held"],
  resolve: [
    admin.resolveOutcome,
    (tenant: string) => ({ ...record(tenant), verdict: { case: "notDone", value: {} }, reason: REASON }),
    "unknown",
  ],
  reset: [admin.resetRecord, (tenant: string) => ({ ...record(tenant), reason: REASON }), "completed"],
  purge: [
    admin.purgeRecords,
    (tenantId: string) => ({ tenantId, target: { case: "key", value: record(tenantId).key }, reason: REASON }),
    "completed",
  ],
} as const;

type Name = keyof typeof CALLS;

const NAMES = Object.keys(CALLS) as readonly Name[];

/** What a call is answered with: OK, or the reason. */
async function answer(name: Name, tenant: string, principal: Principal, own = recordStand()): Promise<string> {
  const [method, request, state] = CALLS[name];
  await MADE[state](own, { key: { ...KEY, tenant: "acme" } });
  try {
    await own.ask(method as never, request(tenant) as never, principal);
    return "OK";
  } catch (error) {
    return (error as { readonly reason: string }).reason;
  }
}

const ALLOWED: Readonly<Record<Name, readonly Role[]>> = {
  list: ["claim", "read", "operate", "admin"],
  "list with outcomes": ["read"],
  timeline: ["read", "operate", "admin"],
  release: ["operate", "admin"],
  resolve: ["operate", "admin"],
  reset: ["operate", "admin"],
  purge: ["operate", "admin"],
};

const each = NAMES.flatMap((name) =>
  (["claim", "read", "operate", "admin"] as const).map((role) => [name, role, ALLOWED[name].includes(role)] as const),
);

describe("the roles", () => {
  test.each(each)("%s with the role %s alone: %s", async (name, role, isAllowed) => {
    const principal = { ...OPERATOR, roles: roles(role) };
    expect(await answer(name, "acme", principal)).toBe(isAllowed ? "OK" : "ROLE_REQUIRED");
  });

  test.each(NAMES)("%s is refused without any, before anything is looked up", async (name) => {
    const own = recordStand();
    expect(await answer(name, "acme", { ...OPERATOR, roles: roles() }, own)).toBe("ROLE_REQUIRED");
    expect(own.lookups).toEqual([]);
  });

  test("that are missing are named", async () => {
    const { message } = await recordStand().refusal(
      admin.forceRelease,
      { ...record(""), reason: REASON },
      { ...OPERATOR, roles: roles("read") },
    );
    expect(message).toBe('the credential has none of the roles "operate", "admin"');
  });
});

describe("a credential of one tenant", () => {
  const own: Principal = { ...OPERATOR, tenant: "acme" };

  test.each(NAMES)("may %s in its own, which it need not name", async (name) => {
    expect(await answer(name, "acme", own)).toBe("OK");
    expect(await answer(name, "", own)).toBe("OK");
  });

  test.each(NAMES)("cannot tell by %s another tenant from none, and nothing is looked up", async (name) => {
    const stand = recordStand();
    expect(await answer(name, "default", own, stand)).toBe("TENANT_FORBIDDEN");
    expect(await answer(name, "nobody", own)).toBe("TENANT_FORBIDDEN");
    expect(stand.lookups).toEqual([]);
  });
});

describe("somebody who may see every tenant", () => {
  test.each(NAMES)("is told by %s that one is unknown or not visible", async (name) => {
    expect(await answer(name, "nobody", OPERATOR)).toBe("TENANT_FORBIDDEN");
  });

  test.each(NAMES)("is told by %s that there is none, where nobody is authenticated", async (name) => {
    const anybody = { ...OPERATOR, authenticated: false, roles: roles("claim", "read", "operate", "admin") };
    expect(await answer(name, "nobody", anybody)).toBe("TENANT_NOT_FOUND");
    expect(await answer(name, "acme", anybody)).toBe("OK");
  });
});

test.each(NAMES)("%s works in a tenant that is draining, disabled or pending", async (name) => {
  for (const change of [{ draining: true }, { health: "disabled" }, { health: "pending" }] as const) {
    // What it holds was claimed before.
    const serving = recordStand({ tenants: [plainTenant("acme")] });
    const [method, request, state] = CALLS[name];
    await MADE[state](serving, { key: { ...KEY, tenant: "acme" } });
    const closed = recordStand({
      tenants: [{ ...plainTenant("acme"), ...change }],
      through: () => serving.store,
    });
    await closed.ask(method as never, request("acme") as never);
  }
});

test.each(NAMES)("%s is STORE_UNAVAILABLE where this server could not build the tenant", async (name) => {
  const own = recordStand({ unbuilt: true });
  const [method, request] = CALLS[name];
  const refusal = await own.refusal(method as never, request("acme") as never);
  expect(refusal).toMatchObject({ code: Code.UNAVAILABLE, reason: "STORE_UNAVAILABLE" });
});

test("somebody who may only claim has four lists under way, and others their own", async () => {
  const { promise: held, resolve: go } = Promise.withResolvers<void>();
  const own = recordStand({
    through: (store) => ({
      ...store,
      async list(query, deadline) {
        await held;
        return store.list(query, deadline);
      },
    }),
  });
  const worker: Principal = { ...OPERATOR, name: "api-key:worker", roles: roles("claim") };
  const lists = Array.from({ length: 4 }, () => own.ask(admin.listRecords, {}, worker));
  expect((await own.refusal(admin.listRecords, {}, worker)).reason).toBe("OVERLOADED");
  const reader = { ...worker, name: "api-key:reader", roles: roles("claim", "read") };
  const others = Array.from({ length: 16 }, () => own.ask(admin.listRecords, {}, reader));
  go();
  expect(await Promise.all([...lists, ...others])).toHaveLength(20);
});

test("lists that are under way keep nobody from changing something", async () => {
  const { promise: held, resolve: go } = Promise.withResolvers<void>();
  const own = recordStand({
    through: (store) => ({
      ...store,
      async list(query, deadline) {
        await held;
        return store.list(query, deadline);
      },
    }),
  });
  await MADE.held(own);
  const lists = Array.from({ length: 16 }, () => own.ask(admin.listRecords, {}));
  expect((await own.refusal(admin.listRecords, {})).reason).toBe("OVERLOADED");
  await own.ask(admin.forceRelease, { key: KEY, reason: REASON });
  go();
  expect(await Promise.all(lists)).toHaveLength(16);
});
