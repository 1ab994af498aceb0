import type { Clock } from "../../clock.ts";
import { type DataKeys, deriveDataKeys } from "./data-keys.ts";
import type { MasterKeys } from "./master-keys.ts";
import type { TenantKeyTable, WrappedKey } from "./tenant-key-table.ts";
import { createTenantKeys, type TenantKeys } from "./tenant-keys.ts";
import { unwrapKey, wrapFreshKey } from "./wrapping.ts";

/** The keys of the encrypted tenants. */
export interface KeyRing {
  /**
   * At once when they are known here. Otherwise they are read, once for all who ask, and the first one is made if there is
   * none; so this is asked for encrypted tenants only.
   *
   * Rejects with `KeysUnusable` when one of them cannot be unwrapped, or with a `Fault` of the table. No error is kept.
   */
  of(tenant: string): TenantKeys | Promise<TenantKeys>;
}

export interface KeyRingDeps {
  readonly table: TenantKeyTable;
  readonly masterKeys: MasterKeys;
  readonly clock: Clock;
  /** Tenants whose keys are kept; the one kept longest makes room. */
  readonly tenantsMax: number;
  /** How long a new version may go unnoticed by one who only writes. */
  readonly refreshMs: number;
  /** For the log: what is known stays in use. */
  readonly onRefreshFailed: (tenant: string, error: unknown) => void;
}

export function createKeyRing({ table, masterKeys, tenantsMax, ...others }: KeyRingDeps): KeyRing {
  const kept = new Map<string, TenantKeys>();
  const underWay = new Map<string, Promise<TenantKeys>>();

  const toDataKeys = (key: WrappedKey): DataKeys => deriveDataKeys(key.version, unwrapKey(masterKeys, key));

  /** Whoever is second reads what the first one made. */
  const readOrMakeFirst = async (tenant: string) => {
    const found = await table.read(tenant);
    if (found.length > 0) return found;
    await table.add(wrapFreshKey(masterKeys.current, tenant, 1));
    return await table.read(tenant);
  };

  const load = async (tenant: string) => {
    try {
      const known = (await readOrMakeFirst(tenant)).map(toDataKeys);
      const readOthers = async (versions: ReadonlySet<number>) =>
        (await table.read(tenant)).filter(({ version }) => !versions.has(version)).map(toDataKeys);
      const keys = createTenantKeys({ tenant, known, readOthers, ...others });
      if (kept.size >= tenantsMax) for (const oldest of kept.keys().take(1)) kept.delete(oldest);
      kept.set(tenant, keys);
      return keys;
    } finally {
      underWay.delete(tenant);
    }
  };

  return {
    of(tenant) {
      const known = kept.get(tenant) ?? underWay.get(tenant);
      if (known !== undefined) return known;
      const loading = load(tenant);
      underWay.set(tenant, loading);
      return loading;
    },
  };
}
