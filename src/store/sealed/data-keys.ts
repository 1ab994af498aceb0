import { createHmac, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import type { RecordKey } from "../../domain/key.ts";
import type { Fingerprint } from "../../domain/record.ts";
import { lengthPrefixed } from "./associated-data.ts";

/** What one version of a tenant's key is used for: each use has a key of its own. */
export interface DataKeys {
  readonly version: number;
  readonly encryption: KeyObject;
  readonly fingerprints: KeyObject;
  readonly ends: KeyObject;
}

/** HKDF-SHA-256 over the 32 bytes of a tenant's key, which are wiped. */
export function deriveDataKeys(version: number, secret: Uint8Array): DataKeys {
  const derive = (use: string) => {
    const bytes = Buffer.from(hkdfSync("sha256", secret, new Uint8Array(), `holdfast/${use}/1`, 32));
    const key = createSecretKey(bytes);
    bytes.fill(0);
    return key;
  };
  const keys = { version, encryption: derive("encryption"), fingerprints: derive("fingerprint"), ends: derive("end") };
  secret.fill(0);
  return keys;
}

/** Keys of the first version of the tenant's key, whatever versions there are. */
export type DigestKeys = Pick<DataKeys, "fingerprints" | "ends">;

/**
 * A fingerprint as an encrypted tenant's records hold it: 32 bytes that say nothing about a payload which could be
 * guessed. Equal where the given ones are equal, in all records of the tenant and nowhere else. None stays none.
 *
 * The label goes in as it is and not into the HMAC: two digests are the same payload whatever their labels.
 */
export function sealFingerprint({ fingerprints }: DigestKeys, { algorithm, digest }: Fingerprint): Fingerprint {
  if (digest.length === 0) return { algorithm, digest };
  return { algorithm, digest: new Uint8Array(createHmac("sha256", fingerprints).update(digest).digest()) };
}

/** The digest of an end, which says nothing about a result that could be guessed; equal for equal ends of one record. */
export function sealEndDigest({ ends }: DigestKeys, { scope, key }: RecordKey, digest: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", ends).update(lengthPrefixed(scope, key)).update(digest).digest());
}
