import type { TenantKeyTable, WrappedKey } from "../../../../src/store/sealed/tenant-key-table.ts";

/** The table of tenants' keys behind a list. */
export function createMemoryKeyTable(): TenantKeyTable & { readonly reads: () => number } {
  let keys: readonly WrappedKey[] = [];
  let reads = 0;
  return {
    reads: () => reads,
    async read(tenant) {
      reads++;
      return keys.filter((key) => key.tenant === tenant);
    },
    async add(key) {
      if (keys.some((other) => compare(other, key) === 0)) return false;
      keys = [...keys, key].sort(compare);
      return true;
    },
    async wrappedByOthers(masterKey, after, limit) {
      return keys.filter((key) => compare(key, after) > 0 && key.masterKey !== masterKey).slice(0, limit);
    },
    async replace(before, after) {
      const at = keys.findIndex(
        (key) => compare(key, before) === 0 && Buffer.compare(key.wrapped, before.wrapped) === 0,
      );
      if (at >= 0) keys = keys.with(at, after);
      return at >= 0;
    },
  };
}

type Named = Pick<WrappedKey, "tenant" | "version">;

function compare(a: Named, b: Named): number {
  return a.tenant === b.tenant ? a.version - b.version : a.tenant < b.tenant ? -1 : 1;
}
