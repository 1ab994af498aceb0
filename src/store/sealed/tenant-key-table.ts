/** A key of a tenant as it is stored. */
export interface WrappedKey {
  readonly tenant: string;
  /** From 1. */
  readonly version: number;
  readonly wrapped: Uint8Array;
  /** The id of the master key that wrapped it. */
  readonly masterKey: string;
}

/** Where a pass over all keys stands: behind the key of this tenant and version. */
export type KeyPosition = Pick<WrappedKey, "tenant" | "version">;

/**
 * The tenants' keys, wrapped. They are never deleted: what they sealed may still be there.
 *
 * Throws `Fault` STORE_UNAVAILABLE when the table cannot be reached; each call may be made again.
 */
export interface TenantKeyTable {
  /** All versions of a tenant, lowest first. */
  read(tenant: string): Promise<readonly WrappedKey[]>;
  /** False when the tenant has a key of that version; it stays as it is then. */
  add(key: WrappedKey): Promise<boolean>;
  /** At most `limit` keys behind `after` that another master key has wrapped, in the order of tenant and version. */
  wrappedByOthers(masterKey: string, after: KeyPosition, limit: number): Promise<readonly WrappedKey[]>;
  /** Puts `after` in the place of `before`, which is of the same tenant and version. False when that was changed meanwhile. */
  replace(before: WrappedKey, after: WrappedKey): Promise<boolean>;
}
