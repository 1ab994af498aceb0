import { createHash } from "node:crypto";
import { expect } from "vitest";
import { createKeyRing, type KeyRing, type KeyRingDeps } from "../../../../src/store/sealed/key-ring.ts";
import { type MasterKeys, parseMasterKeys } from "../../../../src/store/sealed/master-keys.ts";
import type { UnopenableReason } from "../../../../src/store/sealed/opener.ts";
import { createSealedStore } from "../../../../src/store/sealed/sealed-store.ts";
import type { TenantKeyTable } from "../../../../src/store/sealed/tenant-key-table.ts";
import type { Store } from "../../../../src/store/store.ts";
import type { StoreUnderTest } from "../../../store/contract.ts";
import { createManualClock } from "../manual-clock.ts";
import { createMemoryKeyTable } from "./memory-key-table.ts";

/** The line of a master key file: the same id is the same key. */
export function masterKeyLine(id: string): string {
  return `${id}:${createHash("sha256").update(id).digest("base64")}`;
}

/** The first is current. */
export function masterKeysOf(...ids: readonly string[]): MasterKeys {
  const parsed = parseMasterKeys(ids.map(masterKeyLine).join("\n"));
  if (parsed.kind === "problems") throw new Error(parsed.problems.join(" "));
  return parsed.masterKeys;
}

/** A ring on a clock that stands still, which keeps every tenant and expects no refresh to fail. */
export function createTestRing(change: Partial<KeyRingDeps> = {}): KeyRing {
  return createKeyRing({
    table: createMemoryKeyTable(),
    masterKeys: masterKeysOf("main"),
    clock: createManualClock(),
    tenantsMax: 1_000,
    refreshMs: 60_000,
    onRefreshFailed: (tenant, error) => {
      throw new Error(`the keys of ${tenant} were not refreshed`, { cause: error });
    },
    ...change,
  });
}

export interface Sealed {
  readonly store: Store;
  readonly ring: KeyRing;
  readonly table: TenantKeyTable;
  /** Raised so far, as "tenant: why". */
  readonly alarms: readonly string[];
}

/** Every tenant is encrypted but for those named `plain…`. */
export function sealStore(store: Store, change: Partial<KeyRingDeps> = {}): Sealed {
  const table = change.table ?? createMemoryKeyTable();
  const ring = createTestRing({ ...change, table });
  const alarms: string[] = [];
  const onUnopenable = (tenant: string, why: UnopenableReason) => {
    alarms.push(`${tenant}: ${why}`);
  };
  const keysOf = (tenant: string) => (tenant.startsWith("plain") ? null : ring.of(tenant));
  return { store: createSealedStore({ store, keysOf, onUnopenable }), ring, table, alarms };
}

/** A store under test that seals all it is given, on top of another; its end expects that no alarm was raised. */
export function openSealed(open: () => Promise<StoreUnderTest>, change: Partial<KeyRingDeps> = {}) {
  return async (): Promise<StoreUnderTest> => {
    const under = await open();
    const { store, alarms } = sealStore(under.store, change);
    return {
      ...under,
      store,
      async close() {
        await under.close();
        expect(alarms).toEqual([]);
      },
    };
  };
}
