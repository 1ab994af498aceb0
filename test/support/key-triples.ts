import type { RecordKey } from "../../src/domain/key.ts";
import { SIZES } from "../../src/domain/limits.ts";

/** What people join keys with, and what joining, escaping, quoting and parsing treat as something else than text. */
export const SEPARATORS: readonly string[] = [
  ...":/|.,;-_#@=&?%+*~^!\\'\"`()[]{}<>$ \t\n\r0123",
  ...["\r\n", "::", "//", "||", "\\:", "\\0", "%00", "%1F", "%2F", "''", '""', '","', "--", "/*", "$1", "\\x", "\\N"],
  ...["\u0001", "\u0002", "\u001c", "\u001d", "\u001e", "\u001f", "\u007f", "\u0085", "\u00a0", "\u00ad", "\u034f"],
  ...["\u200b", "\u200d", "\u200f", "\u2028", "\u2029", "\u202e", "\u2060", "\u2063", "\u2066", "\u2400", "\u3000"],
  ...["\ua789", "\uff0f", "\uff1a", "\ue000", "\ufdd0", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\u{10000}"],
  ...["\u{1f600}", "\u{e0020}", "\u{10ffff}", "1:", "3:", "2:a1:b", "3:abc1:x"],
];

/** In each line, what some folding, trimming, normalising, unescaping or parsing takes for the same. */
export const LOOK_ALIKES: readonly (readonly string[])[] = [
  ["é", "e\u0301", "É", "E\u0301", "e", "\u0435\u0301"],
  ["\u00c5", "\u212b", "A\u030a", "\u00e5", "a\u030a"],
  ["K", "k", "\u212a", "\uff2b", "\u041a", "\u039a"],
  ["i", "I", "ı", "İ", "i\u0307", "\u0456", "\uff49", "\u2170"],
  ["a", "A", "\u0430", "\u03b1", "\uff41", "\u00aa", "\u{1d41a}"],
  ["ß", "ss", "SS", "ẞ", "\u017fs"],
  ["fi", "ﬁ", "FI", "\uff46\uff49"],
  ["Ω", "\u2126", "ω", "ο", "o", "\u043e", "0", "O"],
  ["µ", "μ", "Μ", "M"],
  ["ς", "σ", "Σ"],
  ["\uac00", "\u1100\u1161"],
  ["\u0323\u0307s", "s\u0323\u0307", "s\u0307\u0323", "\u1e69"],
  ["x", "x ", " x", "x  ", "x\t", "x\n", "x\r\n", "x\u00a0", "x\u3000", "x\u2003", "\u0085x", "x\u000b"],
  ["x", "x\u200b", "x\u200d", "\ufeffx", "x\u00ad", "\u202ex", "\u2066x\u2069", "x\u200e", "x\u034f", "x\ufe0f"],
  ["x", "x\u0001", "\u0008x", "x\u007f", "x\u001b[31m", "\u0080x", "x\u{e0001}", "x\u{e0078}"],
  [" ", "  ", "\t", "\n", "\r", "\u00a0", "\u2003", "\u200b", "\u3000", "\u3164", "\u2800", "\ufeff"],
  ["1", "01", "1.0", "+1", " 1", "1e0", "0x1", "\uff11", "¹", "①", "\u0661", "l"],
  ["null", "NULL", "undefined", "NaN", "nil", "\\N", '"null"', "false", "-0", "0"],
  ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"],
  ["a%", "a_", "a*", "a?", "a.", "a\\%", "a\\_", "ab"],
  ["'", "''", "\\'", '"', '""', '\\"', "`", "’", "'; drop table record; --", "$$", "E'\\x27'"],
  ["{}", "{a}", '{"a"}', "{a,b}", '{"a","b"}', "{NULL}", "[]", '["a"]', "(a)", "(a,b)", '{"a":1}'],
  ["a/b", "a%2Fb", "a%2fb", "a%252Fb", "a//b", "a/./b", "a/x/../b", "a\\b", "a\uff0fb"],
  ["a", "\\u0061", "\\x61", "%61", "&#97;", "\\141", "YQ==", "61"],
  ["\u{1f44d}", "\u{1f44d}\u{1f3fd}", "\u{1f44d}\ufe0f", "\u{1f1e9}\u{1f1ea}", "\u{1f1ea}\u{1f1e9}"],
  ["\u05d0b", "b\u05d0", "\u202eb\u05d0", "\u05d0\u200fb", "\u0627\u0644"],
  ["\u007f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"],
];

/** Every control character that a key may have, and what else lies at a border of something. */
const ODD: readonly string[] = [
  ...Array.from({ length: 0x1f }, (_, i) => String.fromCharCode(i + 1)),
  ...Array.from({ length: 0x22 }, (_, i) => String.fromCharCode(0x7f + i)),
  ...SEPARATORS,
  ...LOOK_ALIKES.flat(),
];

const ATOMS: readonly string[] = [..."abcABé1:2", ...ODD];

/**
 * That many (tenant, scope, key) triples, no two alike, all within the limits of a record's key. Every few hundred are
 * made around one separator, so that whatever joins, folds, trims, unescapes or cuts the three makes many of any hundred
 * thousand the same; a test holds a list of such ways against them. The same for the same seed, on every machine.
 *
 * The names of tenants are not only those that can be registered: the table takes any text.
 */
export function* keyTriples(count: number, seed = 20_260_820): Generator<RecordKey, void, undefined> {
  const random = createDice(seed);
  // A list of three in JSON: nothing of ours decides here what is the same.
  const made = new Set<string>();
  for (let round = 0; ; round++) {
    for (const [tenant, scope, key] of roundOf(round, random)) {
      if (!fits(tenant, SIZES.tenantBytesMax) || !fits(scope, SIZES.scopeBytesMax) || !fits(key, SIZES.keyBytesMax)) {
        continue;
      }
      const name = JSON.stringify([tenant, scope, key]);
      if (made.has(name)) continue;
      if (made.size === count) return;
      made.add(name);
      yield { tenant, scope, key };
    }
  }
}

type Triple = readonly [tenant: string, scope: string, key: string];

function* roundOf(round: number, random: Dice): Generator<Triple> {
  const separator = SEPARATORS[round % SEPARATORS.length] ?? ":";
  const [a, b] = [random.pick(ATOMS), random.pick(ATOMS)];
  const atoms = Array.from({ length: 8 }, (_, i) => (i % 4 === 3 ? separator : random.pick(ATOMS)));
  const short = [...[a, separator, b, "1", a].join("")];
  yield* cuts(atoms, separator);
  yield* cuts([...atoms.join(separator)], "");
  yield* cuts([...`${a.length}:${a}${b.length}:${b}${separator}${short.length}:${short.join("")}`], "");
  yield* cube([a, separator, a + separator, separator + a, separator + separator, a + separator + b]);
  yield* escapes(a, separator, b);
  yield* alike(random);
  yield* edges(ODD[round % ODD.length] ?? "\u0001", round < ODD.length ? "x" : a);
  if (round % 8 === 0) yield* longest(random);
}

/** Every way to cut a list of texts in three; joined by the separator again, all are one text. */
function* cuts(texts: readonly string[], separator: string): Generator<Triple> {
  for (let i = 1; i < texts.length; i++) {
    for (let j = i + 1; j < texts.length; j++) {
      yield [texts.slice(0, i).join(separator), texts.slice(i, j).join(separator), texts.slice(j).join(separator)];
    }
  }
}

function* cube(words: readonly string[]): Generator<Triple> {
  for (const tenant of words) for (const scope of words) for (const key of words) yield [tenant, scope, key];
}

/** Joined by the separator with an escape before each that was there already, the first two are one text. */
function* escapes(a: string, separator: string, b: string): Generator<Triple> {
  for (const mark of ["\\", "%", separator]) {
    yield [a + separator + b, a + mark, b];
    yield [a + mark, b, a + separator + b];
    yield [a + mark + separator, b, a];
  }
}

/** One text in each part, spelled in all the ways that look or are read the same. */
function* alike(random: Dice): Generator<Triple> {
  const stem = random.pick(ATOMS);
  const spellings = () => random.pick(LOOK_ALIKES).map((spelling) => `${stem}${spelling}`);
  const [tenants, scopes, keys] = [spellings().slice(0, 5), spellings().slice(0, 5), spellings()];
  for (const tenant of tenants) for (const scope of scopes) for (const key of keys) yield [tenant, scope, key];
}

function* edges(odd: string, plain: string): Generator<Triple> {
  for (const word of [odd, odd + plain, plain + odd, odd + plain + odd, plain + odd + plain, odd + odd]) {
    yield [word, plain, plain];
    yield [plain, word, plain];
    yield [plain, plain, word];
  }
}

/** As long as may be, of characters of each length, and different in one place only. */
function* longest(random: Dice): Generator<Triple> {
  const filler = random.pick(["x", " ", "1", "\u0001", "\u00e9", "\u20ac", "\u{1f600}"]);
  const fill = (bytesMax: number) => filler.repeat((bytesMax - 1) / Buffer.byteLength(filler));
  const parts = [fill(SIZES.tenantBytesMax), fill(SIZES.scopeBytesMax), fill(SIZES.keyBytesMax)] as const;
  const [tenant, scope, key] = parts;
  yield parts;
  for (const last of ["a", "b", " ", "\u0001"]) {
    yield [tenant + last, scope, key];
    yield [tenant, scope + last, key];
    yield [tenant, scope, key + last];
    yield [tenant, scope, last + key];
    yield [tenant + last, scope + last, key + last];
  }
}

function fits(text: string, bytesMax: number): boolean {
  return text !== "" && Buffer.byteLength(text) <= bytesMax && !text.includes("\0") && text.isWellFormed();
}

/** Chance that is the same for the same seed. */
export interface Dice {
  /** A whole number from 0 up to, but not including, `bound`. */
  below(bound: number): number;
  pick<T>(from: readonly T[]): T;
  /** In another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** Mulberry32: a million throws in a few milliseconds. */
export function createDice(seed: number): Dice {
  let state = seed;
  const below = (bound: number) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
  return {
    below,
    pick<T>(from: readonly T[]): T {
      if (from.length === 0) throw new Error("bug: nothing to pick from");
      return from[below(from.length)] as T;
    },
    shuffled(items) {
      const all = [...items];
      for (let i = all.length - 1; i > 0; i--) {
        const j = below(i + 1);
        const [one, other] = [all[i], all[j]];
        if (one !== undefined && other !== undefined) [all[i], all[j]] = [other, one];
      }
      return all;
    },
  };
}
