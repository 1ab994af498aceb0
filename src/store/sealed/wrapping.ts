import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { lengthPrefixed } from "./associated-data.ts";
import type { MasterKey, MasterKeys } from "./master-keys.ts";
import type { WrappedKey } from "./tenant-key-table.ts";

/** A tenant's keys are there and cannot be used. The message is for the log: it says whose and why, and holds no key. */
export class KeysUnusable extends Error {
  override readonly name = "KeysUnusable";
}

export const TENANT_KEY_BYTES = 32;

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Format, nonce, the key encrypted, tag. */
const WRAPPED_BYTES = 1 + NONCE_BYTES + TENANT_KEY_BYTES + TAG_BYTES;

/** A fresh key of a tenant, wrapped with the current master key. */
export function wrapFreshKey(masterKey: MasterKey, tenant: string, version: number): WrappedKey {
  const secret = randomBytes(TENANT_KEY_BYTES);
  const key = wrapKey(masterKey, tenant, version, secret);
  secret.fill(0);
  return key;
}

/** AES-256-GCM, bound to tenant and version: a wrapped key that is put in another's place does not open. */
export function wrapKey(masterKey: MasterKey, tenant: string, version: number, secret: Uint8Array): WrappedKey {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", masterKey.secret, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(tenant, version));
  const encrypted = cipher.update(secret);
  cipher.final();
  const wrapped = new Uint8Array(Buffer.concat([Buffer.of(FORMAT), nonce, encrypted, cipher.getAuthTag()]));
  return { tenant, version, wrapped, masterKey: masterKey.id };
}

/**
 * The 32 bytes, which the caller wipes when done.
 *
 * Throws `KeysUnusable`: its master key is not configured, or is another one under the same id, or what is stored was
 * changed.
 */
export function unwrapKey(masterKeys: MasterKeys, { tenant, version, wrapped, masterKey: id }: WrappedKey): Buffer {
  const name = `key ${version} of tenant ${tenant}`;
  const masterKey = masterKeys.find(id);
  if (masterKey === null) throw new KeysUnusable(`${name} was wrapped with master key ${id}, which is not configured`);
  if (wrapped.length !== WRAPPED_BYTES || wrapped[0] !== FORMAT) throw new KeysUnusable(`${name} is not a wrapped key`);
  const nonce = wrapped.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", masterKey.secret, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(tenant, version));
  decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
  const secret = decipher.update(wrapped.subarray(1 + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    throw new KeysUnusable(`${name} cannot be unwrapped with master key ${id}: another key, or tampered`);
  }
  return secret;
}

function boundTo(tenant: string, version: number): Buffer {
  const bound = Buffer.alloc(4);
  bound.writeUInt32BE(version);
  return Buffer.concat([lengthPrefixed("holdfast/tenant-key/1", tenant), bound]);
}
