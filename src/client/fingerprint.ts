import canonicalize from "canonicalize";
import type { Platform } from "./platform.ts";
import { InvalidInputError } from "./unrepresentable.ts";

export interface Fingerprint {
  readonly algorithm: "sha256" | "jcs-sha256";
  readonly digest: Uint8Array;
}

/**
 * Digest of a call's input, by which a key that is used again for other work is told apart.
 *
 * Bytes are hashed as they are. Anything else is hashed as its canonical JSON (RFC 8785), so that the order of keys and
 * the spelling of numbers do not matter; as in JSON, a property that is undefined is as good as absent.
 *
 * @throws InvalidInputError for what JSON cannot represent. JSON.stringify would drop or empty much of it in silence (a Map
 * becomes {}), and then two different inputs would share one result.
 */
export function fingerprintBy(platform: Pick<Platform, "sha256">, input: unknown): Fingerprint {
  if (input instanceof Uint8Array) return { algorithm: "sha256", digest: platform.sha256(input) };
  return { algorithm: "jcs-sha256", digest: platform.sha256(canonicalJson(input)) };
}

/** RFC 8785 text of a JSON value. */
export function canonicalJson(input: unknown): string {
  const text = tryCanonicalize(input);
  if (text === undefined) {
    throw new InvalidInputError(`input must be a JSON value or bytes, not ${typeof input}; null will do`, input);
  }
  // Canonicalizing came first because it refuses cycles, on which this walk would not end.
  refuseUnrepresentable(input);
  return text;
}

function tryCanonicalize(input: unknown): string | undefined {
  try {
    return canonicalize(input);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidInputError(`input has no canonical JSON: ${why}`, input, cause);
  }
}

/** Iterative, as canonicalize is: depth is bounded by the heap and not by the stack. */
function refuseUnrepresentable(input: unknown): void {
  const open: unknown[] = [input];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === "function" || typeof value === "symbol") throw unrepresentable(`a ${typeof value}`, input);
    if (typeof value !== "object" || value === null) continue;
    if ("toJSON" in value && typeof value.toJSON === "function") {
      const json: unknown = value.toJSON();
      if (value instanceof Date && json === null) throw unrepresentable("an invalid Date", input);
      open.push(json);
      continue;
    }
    const tag = Object.prototype.toString.call(value);
    if (tag !== "[object Object]" && tag !== "[object Array]") throw unrepresentable(tag, input);
    // Not a spread: it would put every element of a large array on the stack.
    for (const child of Object.values(value)) open.push(child);
  }
}

function unrepresentable(what: string, input: unknown): InvalidInputError {
  const message = `input holds ${what}, which JSON cannot represent; turn it into plain values or bytes`;
  return new InvalidInputError(message, input);
}
