import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { TenantKeyTable, WrappedKey } from "../../../../src/store/sealed/tenant-key-table.ts";
import { wrapFreshKey } from "../../../../src/store/sealed/wrapping.ts";
import { masterKeysOf } from "./sealing.ts";

/** What every table of tenants' keys must do. One table serves all tests, each with tenants and master keys of its own. */
export function keyTableContract(name: string, table: () => TenantKeyTable): void {
  describe(`${name} table of tenants' keys`, () => {
    test("keeps the keys of each tenant, lowest version first", async () => {
      const [acme, other] = [tenantName(), tenantName()];
      const keys = [2, 10, 1].map((version) => freshKey(acme, version));
      for (const key of keys) expect(await table().add(key)).toBe(true);
      await table().add(freshKey(other, 3));
      expect(plain(await table().read(acme))).toEqual(plain([keys[2], keys[0], keys[1]]));
      expect(await table().read(tenantName())).toEqual([]);
    });

    test("keeps the key that came first when there are two of one version", async () => {
      const acme = tenantName();
      const [first, second] = [freshKey(acme, 1), freshKey(acme, 1)];
      expect(await table().add(first)).toBe(true);
      expect(await table().add(second)).toBe(false);
      expect(plain(await table().read(acme))).toEqual(plain([first]));
    });

    test("pages through the keys that another master key has wrapped", async () => {
      const [a, b] = [tenantName("a"), tenantName("b")];
      const keys = [freshKey(a, 1), freshKey(a, 2), freshKey(b, 1), freshKey(b, 12)];
      for (const key of keys.toReversed()) await table().add(key);
      await table().add(freshKey(b, 2, "other"));
      const found: WrappedKey[] = [];
      for (let after = { tenant: "", version: 0 }; ; ) {
        const page = await table().wrappedByOthers("other", after, 2);
        expect(page.length).toBeLessThanOrEqual(2);
        found.push(...page.filter(({ tenant }) => tenant === a || tenant === b));
        const last = page.at(-1);
        if (last === undefined) break;
        after = last;
      }
      expect(plain(found)).toEqual(plain(keys));
    });

    test("replaces a key only as it was read", async () => {
      const acme = tenantName();
      const [before, after, late] = [freshKey(acme, 1), freshKey(acme, 1, "other"), freshKey(acme, 1, "late")];
      const untouched = freshKey(acme, 2);
      for (const key of [before, untouched]) await table().add(key);
      expect(await table().replace(before, after)).toBe(true);
      expect(await table().replace(before, late)).toBe(false);
      expect(await table().replace(freshKey(tenantName(), 1), late)).toBe(false);
      expect(plain(await table().read(acme))).toEqual(plain([after, untouched]));
    });
  });
}

const tenantName = (prefix = "t") => `${prefix}-${randomUUID()}`;

const freshKey = (tenant: string, version: number, master = "main") =>
  wrapFreshKey(masterKeysOf(master).current, tenant, version);

/** Bytes as hex: a driver's are of a class of their own. */
function plain(keys: readonly (WrappedKey | undefined)[]) {
  return keys.map((key) => key && { ...key, wrapped: Buffer.from(key.wrapped).toString("hex") });
}
