/** A stretch of one tenant's part of the primary key, both ends included. */
export interface KeyRange {
  readonly from: KeyPosition;
  readonly last: KeyPosition;
}

interface KeyPosition {
  readonly scope: string;
  readonly key: string;
}

/** What a range has to hold; null: every scope, every key. */
export interface Covered {
  readonly scope: string | null;
  /** Of each scope, or of the one that is named: keys that begin so. Without a scope it narrows nothing. */
  readonly keyPrefix: string | null;
  /** One key of the scope. */
  readonly key?: string | null;
  /** Behind this one. */
  readonly after: KeyPosition | null;
}

/** Above every text of a scope and of a key: 512 bytes of the highest code point. */
const HIGHEST = "\u{10FFFF}".repeat(128);
/** Directly behind a text lies the same with this appended, as no text holds U+0000. */
const LOWEST = "\u0001";

/** By the bytes of scope and key, as COLLATE "C" orders them. */
export function keyRange({ scope, keyPrefix, key = null, after }: Covered): KeyRange {
  const least = scope === null ? "" : (key ?? keyPrefix ?? "");
  const most = scope === null ? HIGHEST : (key ?? `${keyPrefix ?? ""}${HIGHEST}`);
  return {
    from: after === null ? { scope: scope ?? "", key: least } : { scope: after.scope, key: `${after.key}${LOWEST}` },
    last: { scope: scope ?? HIGHEST, key: most },
  };
}
