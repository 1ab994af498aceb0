import { createHash } from "node:crypto";
import type { EndKind, FinishCall } from "../domain/calls.ts";

/** Digests are stored: a number, once given, keeps its meaning. */
const KIND_NUMBERS = {
  complete: 1,
  retryable: 2,
  terminal: 3,
  "outcome-unknown": 4,
  "not-started": 5,
} as const satisfies Record<EndKind, number>;

const HEADER_BYTES = 10;

/**
 * Tells a repeat of an end from another end: SHA-256 over its kind, its delay, and its result or error in canonical
 * encoding. No error and an empty one differ. A checkpoint that comes with a fail is no part of it, for a lower
 * sequence is dropped anyway.
 */
export function endDigest({ kind, outcome, delayMs }: Pick<FinishCall, "kind" | "outcome" | "delayMs">): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(KIND_NUMBERS[kind], 0);
  header.writeUInt8(outcome === null ? 0 : 1, 1);
  header.writeBigUInt64BE(BigInt(delayMs), 2);
  const hash = createHash("sha256").update(header);
  return (outcome === null ? hash : hash.update(outcome)).digest();
}
