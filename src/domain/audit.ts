import { createHash } from "node:crypto";

/** A line of the audit log as its hash covers it, with what vouches for it. */
export interface AuditLine {
  readonly sequence: bigint;
  /** In microseconds since the Unix epoch, as the database writes them: a forged instant need not be a number. */
  readonly timeMicros: string;
  readonly actor: string;
  readonly action: string;
  readonly subjectKind: string;
  readonly subject: string;
  readonly tenant: string | null;
  readonly reason: string;
  /** JSON, to the byte as the database writes it. */
  readonly detail: string;
  readonly recordScope: string | null;
  /** Null: of no single record, or redacted. */
  readonly recordKey: string | null;
  /** Null as the key is. */
  readonly salt: Uint8Array | null;
  /** SHA-256 of salt and key. */
  readonly keyCommitment: Uint8Array | null;
  readonly hash: Uint8Array;
}

/** A line by its number, with the hash that vouches for it and for all before it. Number 0 is before the first. */
export interface ChainPosition {
  readonly sequence: bigint;
  readonly hash: Uint8Array;
}

/**
 * What is wrong with a log, at the first place where something is.
 *
 * - `line`: the line is not the one that was written after the line `after`. When numbers lie between them, lines may have
 *   been removed; otherwise one of both was changed
 * - `key`: the key of a record, or its salt, is not the one that was written; the line itself is
 * - `end`: the last line that was written is `written`, and the last one there is `last`
 * - `head`: the last line is not the one that was written, although the chain leads up to it
 * - `expected-gone`: there is no line any more of the number that was kept elsewhere
 * - `expected-other`: the line of that number has another hash: it, or something before it, was rewritten
 */
export type ChainBreak =
  | { readonly kind: "line"; readonly sequence: bigint; readonly after: bigint }
  | { readonly kind: "key"; readonly sequence: bigint }
  | { readonly kind: "end"; readonly last: bigint; readonly written: bigint }
  | { readonly kind: "head"; readonly sequence: bigint }
  | { readonly kind: "expected-gone"; readonly sequence: bigint; readonly last: bigint }
  | { readonly kind: "expected-other"; readonly sequence: bigint };

export const HASH_BYTES = 32;

/** What the first line follows. */
export const CHAIN_START: ChainPosition = { sequence: 0n, hash: new Uint8Array(HASH_BYTES) };

/** Names the order and the encoding of the fields; others would come under another name. */
const FORMAT = "holdfast-audit-1";

/**
 * The hash of a line that follows a line of the hash `before`. Says the same as the trigger audit_chain of the database,
 * and is not made from it: the one checks the other.
 */
export function chainHash(before: Uint8Array, line: AuditLine): Uint8Array {
  const fields = [
    FORMAT,
    String(line.sequence),
    line.timeMicros,
    line.actor,
    line.action,
    line.subjectKind,
    line.subject,
    line.tenant,
    line.reason,
    line.detail,
    line.recordScope,
    line.keyCommitment === null ? null : Buffer.from(line.keyCommitment).toString("hex"),
  ];
  return createHash("sha256").update(before).update(fields.map(encoded).join("")).digest();
}

/** Begins with its length, so that no two lists of fields are written alike. */
function encoded(field: string | null): string {
  return field === null ? "-" : `${Buffer.byteLength(field)}:${field}`;
}

export function keyCommitment(salt: Uint8Array, key: string): Uint8Array {
  return createHash("sha256").update(salt).update(key).digest();
}

/** Goes along a log, line by line. Remembers one line, however long the log is. */
export interface ChainCheck {
  /** The lines in the order of their numbers, up to the first break. */
  next(line: AuditLine): ChainBreak | null;
  /** After the last line. */
  end(): ChainBreak | null;
  /** The last line that was checked. */
  position(): ChainPosition;
}

/**
 * @param from what the first line follows, which is not checked: CHAIN_START for a whole log
 * @param written the last line, as it was noted beside the log when it was written
 * @param expected a line, as somebody has kept it elsewhere; null: nobody has
 */
export function createChainCheck(
  from: ChainPosition,
  written: ChainPosition,
  expected: ChainPosition | null,
): ChainCheck {
  let before = from;
  let isExpectedSeen = expected === null || (expected.sequence === from.sequence && isSame(expected.hash, from.hash));

  const compareExpected = (line: ChainPosition): ChainBreak | null => {
    if (expected === null || line.sequence < expected.sequence || isExpectedSeen) return null;
    isExpectedSeen = true;
    if (line.sequence > expected.sequence) return gone(expected.sequence, line.sequence);
    return isSame(line.hash, expected.hash) ? null : { kind: "expected-other", sequence: line.sequence };
  };

  return {
    next(line) {
      const after = before.sequence;
      if (!isSame(line.hash, chainHash(before.hash, line))) return { kind: "line", sequence: line.sequence, after };
      if (!isKeyItsOwn(line)) return { kind: "key", sequence: line.sequence };
      before = { sequence: line.sequence, hash: line.hash };
      return compareExpected(before);
    },
    end() {
      const last = before.sequence;
      if (last !== written.sequence) return { kind: "end", last, written: written.sequence };
      if (!isSame(before.hash, written.hash)) return { kind: "head", sequence: last };
      return isExpectedSeen || expected === null ? null : gone(expected.sequence, last);
    },
    position: () => before,
  };
}

function gone(sequence: bigint, last: bigint): ChainBreak {
  return { kind: "expected-gone", sequence, last };
}

/** A key that was redacted has no salt left either, and nothing is claimed of it. */
function isKeyItsOwn({ recordKey, salt, keyCommitment: commitment }: AuditLine): boolean {
  if (recordKey === null) return true;
  return salt !== null && commitment !== null && isSame(keyCommitment(salt, recordKey), commitment);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
