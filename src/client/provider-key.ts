import { base64Encode } from "@bufbuild/protobuf/wire";
import type { RecordKey } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { fieldInvalid } from "./limits.ts";
import type { Platform } from "./platform.ts";

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
export function providerKeyBy(
  platform: Digests,
  record: Pick<RecordKey, "tenant" | "scope" | "key">,
  provider: string,
  format: KeyFormat,
): string {
  // UTF-8 cannot carry a lone surrogate: two names would become one, and with them two keys.
  if (!provider.isWellFormed()) throw fieldInvalid("provider", "well-formed text");
  const mac = platform.hmacSha256(seedOf(platform, record), provider);
  return format === "uuid" ? uuidOf(mac) : base64Encode(mac, "url");
}

type Digests = Pick<Platform, "sha256" | "hmacSha256">;

const PURPOSE = "holdfast.v1.key";

/** With its length in front of each text: "ab", "c" and "a", "bc" are two records. */
function seedOf({ sha256 }: Digests, { tenant, scope, key }: Pick<RecordKey, "tenant" | "scope" | "key">): Uint8Array {
  const fields = [PURPOSE, tenant, scope, key].map((text) => new TextEncoder().encode(text));
  const seed = new Uint8Array(fields.reduce((bytes, field) => bytes + 4 + field.length, 0));
  const view = new DataView(seed.buffer);
  let at = 0;
  for (const field of fields) {
    view.setUint32(at, field.length);
    seed.set(field, at + 4);
    at += 4 + field.length;
  }
  return sha256(seed);
}

/** RFC 9562, 5.8: all but six of the bits are as they come. */
function uuidOf(mac: Uint8Array): string {
  const bytes = mac.slice(0, 16);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x80);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
