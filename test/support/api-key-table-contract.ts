import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiKeyTable, GOOD_KEYS_MAX } from "../../src/auth/api-keys.ts";
import { freshApiKey } from "./api-key-table.ts";

/** With the tenants acme, other and full. */
export interface ApiKeyTableUnderTest {
  readonly table: ApiKeyTable;
  close(): Promise<void>;
}

const NEVER = Number.POSITIVE_INFINITY;
const CHANGE = { actor: "server", reason: "" };

/** What every table of API keys does, so that the one behind a map may stand in for the database. */
export function apiKeyTableContract(name: string, open: () => Promise<ApiKeyTableUnderTest>): void {
  describe(`${name}, a table of API keys,`, () => {
    let under: ApiKeyTableUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under?.close());

    const make = async (tenant: string | null = "acme") => under.table.create(freshApiKey({ tenant }).input, CHANGE);

    test("keeps what is made, with what a secret is compared with", async () => {
      const { input } = freshApiKey({ lifetimeMs: 60_000, displayName: "Worker" });
      const made = await under.table.create(input, CHANGE);
      expect(made.expireTime).toBe(made.createTime + 60_000_000);
      for (const secret of ["salt", "hash"]) expect(made).not.toHaveProperty(secret);
      const stored = await under.table.read(input.id, NEVER);
      expect(stored).toMatchObject({ ...made, tenant: "acme", roles: input.roles, displayName: "Worker" });
      expect(Buffer.from(stored?.salt ?? []).equals(input.salt)).toBe(true);
      expect(Buffer.from(stored?.hash ?? []).equals(input.hash)).toBe(true);
    });

    test("knows nothing of what was never made", async () => {
      const { id } = freshApiKey().input;
      expect(await under.table.read(id, NEVER)).toBeNull();
      expect(await under.table.revoke(id, null, CHANGE)).toBeNull();
    });

    test("makes no key of a tenant that is not registered", async () => {
      await expect(make("nobody")).rejects.toMatchObject({ code: "TENANT_NOT_FOUND" });
    });

    test("revokes once, and says the same again", async () => {
      const { id } = await make();
      const revoked = await under.table.revoke(id, "acme", CHANGE);
      expect(revoked?.revokeTime).toBeTypeOf("number");
      expect(await under.table.revoke(id, null, CHANGE)).toEqual(revoked);
      expect((await under.table.read(id, NEVER))?.revokeTime).toBe(revoked?.revokeTime);
    });

    test("revokes nothing for another tenant", async () => {
      for (const { id } of [await make("other"), await make(null)]) {
        expect(await under.table.revoke(id, "acme", CHANGE)).toBeNull();
        expect((await under.table.read(id, NEVER))?.revokeTime).toBeNull();
      }
    });

    test("lists by the bytes of the id, of all or of one tenant, from any id on", async () => {
      for (const tenant of ["acme", "other", null, "acme"]) await make(tenant);
      const all = await under.table.list(null, "", 1000, NEVER);
      const ids = all.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)));
      expect(await under.table.list(null, ids[1] ?? "", 2, NEVER)).toEqual(all.slice(2, 4));
      const own = all.filter(({ tenant }) => tenant === "acme");
      expect(await under.table.list("acme", "", 1000, NEVER)).toEqual(own);
      expect(await under.table.list("acme", own[0]?.id ?? "", 1, NEVER)).toEqual(own.slice(1, 2));
      expect(await under.table.list("nobody", "", 1000, NEVER)).toEqual([]);
    });

    test.each<string | null>(["full", null])(
      "keeps a thousand good keys of %s, and makes no more before one is revoked or has expired",
      async (tenant) => {
        for (const { id } of await under.table.list(null, "", 10_000, NEVER))
          await under.table.revoke(id, null, CHANGE);
        const [first] = [await make(tenant), await make("other")];
        for (let made = 1; made < GOOD_KEYS_MAX; made++) await make(tenant);
        await expect(make(tenant)).rejects.toMatchObject({ code: "INVALID_STATE" });
        await expect(make("other"), "another tenant has its own").resolves.toBeDefined();
        await under.table.revoke(first.id, null, CHANGE);
        await make(tenant);
        await expect(make(tenant)).rejects.toMatchObject({ code: "INVALID_STATE" });
      },
    );
  });
}
