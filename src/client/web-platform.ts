import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { RecordKey } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type Fingerprint, fingerprintBy } from "./fingerprint.ts";
import type { Platform } from "./platform.ts";
import { type KeyFormat, providerKeyBy } from "./provider-key.ts";

const encoder = new TextEncoder();

/** For browsers and edge runtimes, which have no digest that answers at once. */
export const webPlatform: Platform = {
  sha256: (data) => sha256(typeof data === "string" ? encoder.encode(data) : data),
  hmacSha256: (key, text) => hmac(sha256, key, encoder.encode(text)),
  instance: () => "",
  // biome-ignore lint/suspicious/noConsole: there is nowhere else to say it.
  warn: (message, kind) => console.warn(`HoldfastWarning [${kind}]: ${message}`),
};

/** See `fingerprintBy`. @throws TypeError for what JSON cannot represent */
export function fingerprint(input: unknown): Fingerprint {
  return fingerprintBy(webPlatform, input);
}

/** See `providerKeyBy`. @throws HoldfastError FIELD_INVALID for a provider's name that is not well-formed */
export function providerKey(record: Pick<RecordKey, "tenant" | "scope" | "key">, provider: string, format: KeyFormat) {
  return providerKeyBy(webPlatform, record, provider, format);
}
