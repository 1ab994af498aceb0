import { describe, expect, test } from "vitest";
import type { Tenant } from "../../../gen/holdfast/v1/admin_pb.ts";
import { Admission, TenantHealth } from "../../../gen/holdfast/v1/tenant_pb.ts";
import type { Principal, Role } from "../../../src/auth/authenticator.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { admin, principalOf, register, stand } from "./admin-tenants-stand.ts";

const roles = (...named: Role[]) => new Set<Role>(named);
const registration = (tenantId: string) => ({ registration: { tenantId } });

/** Every method, of the given tenant. */
const CALLS = {
  register: (id: string) => [admin.registerTenant, registration(id)],
  update: (id: string) => [admin.updateTenant, registration(id)],
  unregister: (id: string) => [admin.unregisterTenant, { tenantId: id }],
  recheck: (id: string) => [admin.recheckTenant, { tenantId: id }],
  drain: (id: string) => [admin.drainTenant, { tenantId: id }],
  get: (id: string) => [admin.getTenant, { tenantId: id }],
  list: () => [admin.listTenants, {}],
} as const;

type Name = keyof typeof CALLS;

const OF_ALL: readonly Name[] = ["register", "update", "unregister"];
const OF_ONE: readonly Name[] = ["recheck", "drain", "get"];

/** What a call is answered with: OK, or the reason. */
async function answer(name: Name, id: string, principal: Principal): Promise<string> {
  const own = stand();
  await register(own, { tenantId: "acme" });
  await register(own, { tenantId: "other" });
  const [method, request] = CALLS[name](id);
  try {
    await own.call(method as never, request as never, principal);
    return "OK";
  } catch (error) {
    return (error as { readonly reason: string }).reason;
  }
}

describe("the roles", () => {
  const names = Object.keys(CALLS) as Name[];

  test.each(names)("%s needs more than claim and read", async (name) => {
    expect(await answer(name, "acme", principalOf({ roles: roles("claim", "read") }))).toBe("ROLE_REQUIRED");
  });

  test.each(names)("admin of every tenant may %s", async (name) => {
    expect(await answer(name, "acme", principalOf({ roles: roles("admin") }))).toBe("OK");
  });

  test.each(OF_ALL)("operate does not allow to %s", async (name) => {
    expect(await answer(name, "acme", principalOf({ roles: roles("operate") }))).toBe("ROLE_REQUIRED");
  });

  test.each([...OF_ONE, "list"] as const)("operate allows to %s", async (name) => {
    expect(await answer(name, "acme", principalOf({ roles: roles("operate") }))).toBe("OK");
  });

  test.each(OF_ALL)("the admin of one tenant may not %s, not even its own", async (name) => {
    const principal = principalOf({ tenant: "acme", roles: roles("admin", "operate") });
    expect(await answer(name, "acme", principal)).toBe("ROLE_REQUIRED");
  });
});

describe("a credential of one tenant", () => {
  const own = { tenant: "acme", roles: roles("operate") };

  test.each(OF_ONE)("may %s its own", async (name) => {
    expect(await answer(name, "acme", principalOf(own))).toBe("OK");
  });

  test.each(OF_ONE)("cannot tell by %s another tenant from none", async (name) => {
    expect(await answer(name, "other", principalOf(own))).toBe("TENANT_FORBIDDEN");
    expect(await answer(name, "nobody", principalOf(own))).toBe("TENANT_FORBIDDEN");
  });

  test("looks nothing up to refuse another tenant", async () => {
    const bundle = stand({ through: (table) => ({ ...table, read: () => Promise.reject(new Error("looked up")) }) });
    for (const name of OF_ONE) {
      const [method, request] = CALLS[name]("other");
      expect((await bundle.failure(method as never, request as never, principalOf(own))).reason).toBe(
        "TENANT_FORBIDDEN",
      );
    }
  });

  test("lists its own tenant only, once", async () => {
    const bundle = stand();
    for (const tenantId of ["aaa", "acme", "other"]) await register(bundle, { tenantId });
    const list = (pageToken = "") => bundle.call(admin.listTenants, { pageToken }, principalOf(own));
    const { tenants, nextPageToken } = await list();
    expect(tenants.map((tenant) => tenant.registration?.tenantId)).toEqual(["acme"]);
    expect(nextPageToken).toBe("");
    expect((await list(Buffer.from("acme").toString("base64url"))).tenants).toEqual([]);
  });
});

describe("without authentication", () => {
  const anybody = { authenticated: false, roles: roles("claim", "read", "operate", "admin") };

  test.each(["update", "unregister", ...OF_ONE] as const)("%s says that there is no such tenant", async (name) => {
    expect(await answer(name, "nobody", principalOf(anybody))).toBe("TENANT_NOT_FOUND");
  });
});

describe("the list", () => {
  const idsOf = (tenants: readonly Tenant[]) => tenants.map(({ registration }) => registration?.tenantId);

  test("comes in pages by id, and ends", async () => {
    const own = stand();
    for (const tenantId of ["e", "c", "a", "d", "b"]) await register(own, { tenantId });
    const pages: unknown[] = [];
    let pageToken = "";
    do {
      const page = await own.call(admin.listTenants, { pageSize: 2, pageToken });
      pages.push(idsOf(page.tenants));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(pages).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  test("ends with a page that is full, without an empty one after it", async () => {
    const own = stand();
    for (const tenantId of ["a", "b"]) await register(own, { tenantId });
    expect((await own.call(admin.listTenants, { pageSize: 2 })).nextPageToken).toBe("");
  });

  test("has 100 tenants a page unless more are asked for", async () => {
    const own = stand();
    for (let i = 0; i < 250; i++) await register(own, { tenantId: `t${1000 + i}` });
    const page = await own.call(admin.listTenants, {});
    expect(page.tenants).toHaveLength(100);
    expect((await own.call(admin.listTenants, { pageSize: 1000 })).tenants).toHaveLength(250);
  });

  test("has shorter pages of large tenants, and loses none", async () => {
    const own = stand();
    const agentUrl = `https://agent.example/${"x".repeat(2000)}`;
    const hosts = (i: number) =>
      Array.from({ length: 100 }, (_, n) => ({ host: `h${n}.t${i}.example`, path: `/${"p".repeat(500)}` }));
    for (let i = 10; i < 60; i++) await register(own, { tenantId: `t${i}`, agentUrl, hosts: hosts(i) });
    const first = await own.call(admin.listTenants, { pageSize: 1000 });
    expect(first.tenants.length).toBeGreaterThan(1);
    expect(first.tenants.length).toBeLessThan(50);
    const rest = await own.call(admin.listTenants, { pageSize: 1000, pageToken: first.nextPageToken });
    expect(idsOf([...first.tenants, ...rest.tenants])).toEqual(Array.from({ length: 50 }, (_, i) => `t${10 + i}`));
  });

  test.each(["!", "QUNNRQ", "YQ==", Buffer.from("a\0").toString("base64url"), "x".repeat(200)])(
    "takes no page_token %j, which no page has",
    async (pageToken) => {
      const failure = await stand().failure(admin.listTenants, { pageToken });
      expect(failure).toMatchObject({ reason: "FIELD_INVALID", fields: { page_token: expect.any(String) } });
    },
  );

  test("has at most 1000 tenants a page", async () => {
    expect((await stand().failure(admin.listTenants, { pageSize: 1001 })).reason).toBe("FIELD_INVALID");
  });
});

test.each(["recheckTenant", "drainTenant", "getTenant", "unregisterTenant"] as const)(
  "%s refuses an id that no tenant can have",
  async (name) => {
    for (const tenantId of ["", "A", "a".repeat(64), "a\0", "../a"]) {
      expect((await stand().failure(admin[name] as never, { tenantId } as never)).fields).toHaveProperty("tenant_id");
    }
  },
);

test("a tenant that this server could not build is shown as disabled, and why, also by a recheck", async () => {
  const why = "the placement eu is not configured on this server";
  const own = stand({ unbuildable: new Fault("TENANT_DISABLED", why) });
  await register(own, { tenantId: "acme" });
  const seen = { health: TenantHealth.DISABLED, healthReason: why, admission: Admission.REFUSE };
  await own.tenants.enter("acme", Number.POSITIVE_INFINITY);
  expect((await own.call(admin.getTenant, { tenantId: "acme" })).tenant).toMatchObject(seen);
  expect((await own.call(admin.listTenants, {})).tenants).toMatchObject([seen]);
  expect((await own.call(admin.recheckTenant, { tenantId: "acme" })).tenant).toMatchObject(seen);
  expect((await own.table.read("acme", Number.POSITIVE_INFINITY))?.health.health).toBe("healthy");
});
