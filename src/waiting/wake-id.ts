import { createHash } from "node:crypto";
import type { RecordKey } from "../domain/key.ts";

/**
 * Names a record in a notification, to whoever waits for it and to nobody else: a channel can be read by every user of
 * the database. 12 bytes as 16 characters of base64url. Two records of one id cost a needless read and nothing more.
 */
export type WakeId = string;

const ID_BYTES = 12;
const ID_CHARS = 16;

/** Part of every digest: another version of this service may name records otherwise on the same channel. */
const VERSION = "holdfast.wake.1";

/** Postgres takes fewer than 8 000 bytes in one notification. */
const IDS_MAX = Math.floor(7_900 / ID_CHARS);

/** SHA-256 over the lengths and the bytes, so that no two keys are the same input. */
export function wakeId({ tenant, scope, key }: RecordKey): WakeId {
  const hash = createHash("sha256");
  for (const part of [VERSION, tenant, scope, key]) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest().toString("base64url", 0, ID_BYTES);
}

/** As few payloads as hold all the ids. */
export function toPayloads(ids: readonly WakeId[]): readonly string[] {
  const payloads: string[] = [];
  for (let from = 0; from < ids.length; from += IDS_MAX) payloads.push(ids.slice(from, from + IDS_MAX).join(""));
  return payloads;
}

/** The ids of a payload; none if it is not one of ours. Whoever may connect can send anything. */
export function fromPayload(payload: string): readonly WakeId[] {
  if (payload.length % ID_CHARS !== 0) return [];
  return Array.from({ length: payload.length / ID_CHARS }, (_, i) => payload.slice(i * ID_CHARS, (i + 1) * ID_CHARS));
}
