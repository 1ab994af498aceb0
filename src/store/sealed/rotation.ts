import type { MasterKeys } from "./master-keys.ts";
import type { KeyPosition, TenantKeyTable, WrappedKey } from "./tenant-key-table.ts";
import { KeysUnusable, unwrapKey, wrapFreshKey, wrapKey } from "./wrapping.ts";

export interface RotationDeps {
  readonly table: TenantKeyTable;
  readonly masterKeys: MasterKeys;
}

/**
 * Gives a tenant a new key, which servers write with as soon as they learn of it; what the old ones sealed stays, and is
 * read with them. Two at once may both get the same new one.
 *
 * @returns the newest version; null: the tenant has no keys, so there is nothing to rotate
 */
export async function addTenantKey({ table, masterKeys }: RotationDeps, tenant: string): Promise<number | null> {
  const newest = (await table.read(tenant)).at(-1);
  if (newest === undefined) return null;
  const version = newest.version + 1;
  await table.add(wrapFreshKey(masterKeys.current, tenant, version));
  return version;
}

export interface RewrapOptions {
  /** Keys that are read at once. */
  readonly batchMax: number;
  /** Stops between two keys; what is left is left for the next run. */
  readonly signal?: AbortSignal;
}

export interface Rewrapped {
  /** Wrapped with the current master key now. */
  readonly keys: number;
  /** Could not be unwrapped, and are as they were: their master keys are still needed. */
  readonly failed: number;
  /** Why, of the first of these; for people. */
  readonly reasons: readonly string[];
}

const REASONS_MAX = 20;
const START: KeyPosition = { tenant: "", version: 0 };

/**
 * Wraps every key of every tenant with the current master key, after which the other master keys are no longer needed
 * unless some key failed. May be stopped and run again at any time, and by several at once. A server that was not given
 * the current master key yet cannot read what was rewrapped: every server gets it first, as one that only unwraps.
 */
export async function rewrapTenantKeys(
  { table, masterKeys }: RotationDeps,
  { batchMax, signal }: RewrapOptions,
): Promise<Rewrapped> {
  const [reasons, counted]: [string[], { keys: number; failed: number }] = [[], { keys: 0, failed: 0 }];
  for (let after = START; ; ) {
    const batch = await table.wrappedByOthers(masterKeys.current.id, after, batchMax);
    for (const key of batch) {
      signal?.throwIfAborted();
      const rewrapped = tryRewrap(masterKeys, key);
      if (typeof rewrapped === "string") {
        counted.failed++;
        if (reasons.length < REASONS_MAX) reasons.push(rewrapped);
      } else if (await table.replace(key, rewrapped)) counted.keys++;
      after = key;
    }
    if (batch.length < batchMax) return { ...counted, reasons };
  }
}

/** A string says why it cannot be. */
function tryRewrap(masterKeys: MasterKeys, key: WrappedKey): WrappedKey | string {
  try {
    const secret = unwrapKey(masterKeys, key);
    const rewrapped = wrapKey(masterKeys.current, key.tenant, key.version, secret);
    secret.fill(0);
    return rewrapped;
  } catch (error) {
    if (error instanceof KeysUnusable) return error.message;
    throw error;
  }
}
