import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";
import type { RecordKey } from "../../domain/key.ts";
import { lengthPrefixed } from "./associated-data.ts";

/** What content is; a result never opens as an error, nor either as a checkpoint. */
export type SealedKind = "result" | "error" | "checkpoint";

/** The place that content is sealed for, and the only one where it opens. */
export interface Place {
  readonly kind: SealedKind;
  readonly key: RecordKey;
}

/** What can be read of an envelope without a key; believed only once it has opened, for all of it is authenticated. */
export interface EnvelopeHead {
  /** Of the tenant's key. */
  readonly keyVersion: number;
  /** Of the attempt that stored it. */
  readonly fence: bigint;
}

/**
 * An envelope, numbers big-endian:
 *
 * ```
 *  0      0, which begins no protobuf message: sealed bytes are never taken for plain ones, nor plain for sealed
 *  1      the format, 1
 *  2..5   version of the tenant's key
 *  6..13  fence of the attempt that stored it
 * 14..25  nonce, random
 * 26..    the content, encrypted, as long as it was
 *         tag, 16 bytes
 * ```
 *
 * AES-256-GCM. Nonces of 96 random bits keep the chance of a repeat below 2^-32 for 2^32 envelopes under one version of
 * a tenant's key; whoever writes more than that adds a version in time.
 */
export const ENVELOPE_BYTES = 42;

const MARK = 0;
const FORMAT = 1;
const HEAD_BYTES = 14;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CONTENT_AT = HEAD_BYTES + NONCE_BYTES;

export function seal(content: Uint8Array, place: Place, head: EnvelopeHead, secret: KeyObject): Uint8Array {
  const envelope = new Uint8Array(ENVELOPE_BYTES + content.length);
  const view = new DataView(envelope.buffer);
  view.setUint8(0, MARK);
  view.setUint8(1, FORMAT);
  view.setUint32(2, head.keyVersion);
  view.setBigUint64(6, head.fence);
  const nonce = randomBytes(NONCE_BYTES);
  envelope.set(nonce, HEAD_BYTES);
  const cipher = createCipheriv("aes-256-gcm", secret, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(place, envelope));
  envelope.set(cipher.update(content), CONTENT_AT);
  cipher.final();
  envelope.set(cipher.getAuthTag(), CONTENT_AT + content.length);
  return envelope;
}

/** What is in the way of reading an envelope, or its head. */
export function readHead(stored: Uint8Array): EnvelopeHead | "not-sealed" | "malformed" {
  if (stored[0] !== MARK) return "not-sealed";
  if (stored.length < ENVELOPE_BYTES || stored[1] !== FORMAT) return "malformed";
  const view = new DataView(stored.buffer, stored.byteOffset, HEAD_BYTES);
  return { keyVersion: view.getUint32(2), fence: view.getBigUint64(6) };
}

/** The content of an envelope that `readHead` has read; null: another key, another place, or tampered. */
export function open(envelope: Uint8Array, place: Place, secret: KeyObject): Uint8Array | null {
  const nonce = envelope.subarray(HEAD_BYTES, CONTENT_AT);
  const decipher = createDecipheriv("aes-256-gcm", secret, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(place, envelope));
  decipher.setAuthTag(envelope.subarray(-TAG_BYTES));
  const content = decipher.update(envelope.subarray(CONTENT_AT, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return new Uint8Array(content.buffer, content.byteOffset, content.length);
}

/** The associated data: the place and the envelope's head. */
function boundTo({ kind, key }: Place, envelope: Uint8Array): Buffer {
  const place = lengthPrefixed("holdfast/envelope/1", kind, key.tenant, key.scope, key.key);
  return Buffer.concat([place, envelope.subarray(0, HEAD_BYTES)]);
}
