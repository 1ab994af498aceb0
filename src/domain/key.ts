/** Names a record. Compared byte by byte: no separator, case or normalisation form joins two keys. */
export interface RecordKey {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
}

/**
 * One string per key, for maps. The lengths make it injective: ("a", "b:c") and ("a:b", "c") differ.
 */
export function keyText({ tenant, scope, key }: RecordKey): string {
  return `${tenant.length}:${tenant}${scope.length}:${scope}${key}`;
}

/**
 * Orders keys as Postgres does under COLLATE "C": by UTF-8 bytes. JavaScript's own order is by UTF-16 units, which puts
 * U+FFFF behind U+10000; rows locked in two different orders deadlock.
 */
export function compareKeys(a: RecordKey, b: RecordKey): number {
  return compareUtf8(a.tenant, b.tenant) || compareUtf8(a.scope, b.scope) || compareUtf8(a.key, b.key);
}

export function sameKey(a: RecordKey, b: RecordKey): boolean {
  return a.key === b.key && a.scope === b.scope && a.tenant === b.tenant;
}

function compareUtf8(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** Moves surrogates, which begin code points above U+FFFF, behind every other unit. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
