import { createHash, createHmac } from "node:crypto";
import type { RecordKey } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { fieldInvalid } from "./limits.ts";

/** "text": 43 characters of base64url. "uuid": a UUID of version 8, for a provider that takes nothing else. */
export type KeyFormat = "text" | "uuid";

/**
 * An idempotency key for somebody else, who keeps keys as this server does: the same in every attempt of this record, on
 * every server and in every language, and another one for each provider, so that none of them learns what another was
 * told. It does not depend on the claim: a record that was purged and claimed anew is the same work to the provider.
 *
 * How it is derived is for every client to repeat: see conformance/README.md, and vectors/keys.json for what comes of it.
 *
 * @param record of the handle that the server gave out, whose tenant is never empty
 */
export function providerKey(record: Pick<RecordKey, "tenant" | "scope" | "key">, provider: string, format: KeyFormat) {
  // UTF-8 cannot carry a lone surrogate: two names would become one, and with them two keys.
  if (!provider.isWellFormed()) throw fieldInvalid("provider", "well-formed text");
  const mac = createHmac("sha256", seedOf(record)).update(provider, "utf8").digest();
  return format === "uuid" ? uuidOf(mac) : mac.toString("base64url");
}

const PURPOSE = "holdfast.v1.key";

/** With its length in front of each text: "ab", "c" and "a", "bc" are two records. */
function seedOf({ tenant, scope, key }: Pick<RecordKey, "tenant" | "scope" | "key">): Uint8Array {
  const hash = createHash("sha256");
  for (const text of [PURPOSE, tenant, scope, key]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    hash.update(length).update(text, "utf8");
  }
  return hash.digest();
}

/** RFC 9562, 5.8: all but six of the bits are as they come. */
function uuidOf(mac: Uint8Array): string {
  const bytes = Buffer.from(mac.subarray(0, 16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
