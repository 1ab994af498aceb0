import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareKeys, keyText, type RecordKey, sameKey } from "../../../src/domain/key.ts";

/** Around every border between UTF-8 lengths and UTF-16 surrogates, and the separators that people join keys with. */
const BORDERS = [
  "\u0001",
  "\u007f",
  "\u0080",
  "\u07ff",
  "\u0800",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
];
const SEPARATORS = [":", "/", "|", "\u001e", "\u001f", "0", "1", "2:", "__proto__", "é", "e\u0301", "K", "\u212a"];

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({ unit: fc.constantFrom(...BORDERS, ...SEPARATORS), maxLength: 6 }),
);
const anyKey: fc.Arbitrary<RecordKey> = fc.record({ tenant: text, scope: text, key: text });

function compareBuffers(a: RecordKey, b: RecordKey): number {
  for (const part of ["tenant", "scope", "key"] as const) {
    const order = Buffer.compare(Buffer.from(a[part], "utf8"), Buffer.from(b[part], "utf8"));
    if (order !== 0) return order;
  }
  return 0;
}

describe("the order of keys", () => {
  test("is that of their UTF-8 bytes, for any well-formed text", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(compareBuffers(a, b));
      }),
      { numRuns: 3_000 },
    );
  });

  test("puts U+FFFF before U+10000, as UTF-8 does and UTF-16 does not", () => {
    const [a, b] = ["\uffff", "\u{10000}"].map((key) => ({ tenant: "t", scope: "s", key }));
    if (a === undefined || b === undefined) throw new Error("bug");
    expect(a.key < b.key).toBe(false);
    expect(compareKeys(a, b)).toBeLessThan(0);
  });

  test("puts the last code point of a block behind the one before it", () => {
    const of = (key: string) => ({ tenant: "t", scope: "s", key });
    expect(compareKeys(of("\u{103fe}"), of("\u{103ff}"))).toBeLessThan(0);
    expect(compareKeys(of("\u{103ff}"), of("\u{103fe}"))).toBeGreaterThan(0);
    expect(compareKeys(of("\ud7ff"), of("\u{10000}"))).toBeLessThan(0);
    expect(compareKeys(of("\ue000"), of("\u{10000}"))).toBeLessThan(0);
  });

  test("looks at tenant, then scope, then key", () => {
    const keys = [
      { tenant: "a", scope: "b", key: "c" },
      { tenant: "a", scope: "b", key: "d" },
      { tenant: "a", scope: "c", key: "a" },
      { tenant: "b", scope: "a", key: "a" },
    ];
    expect(keys.toReversed().toSorted(compareKeys)).toEqual(keys);
  });
});

describe("the text of a key", () => {
  test("differs for different keys, whatever they are made of", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        expect(keyText(a) === keyText(b)).toBe(sameKey(a, b));
      }),
      { numRuns: 3_000 },
    );
  });

  test("differs for every way to cut one text in three, with every separator", () => {
    for (const separator of [...SEPARATORS, ...BORDERS, ""]) {
      const joined = [..."1:a2:bc:3", separator, ..."x1:", separator, "y"];
      const cutByText = new Map<string, string>();
      for (let i = 0; i <= joined.length; i++) {
        for (let j = i; j <= joined.length; j++) {
          const [tenant, scope, key] = [
            joined.slice(0, i).join(""),
            joined.slice(i, j).join(""),
            joined.slice(j).join(""),
          ];
          const cut = JSON.stringify([tenant, scope, key]);
          const text = keyText({ tenant, scope, key });
          expect(cutByText.get(text) ?? cut).toBe(cut);
          cutByText.set(text, cut);
        }
      }
    }
  });

  test("is not normalised, folded or trimmed", () => {
    const alike = ["é", "e\u0301", "K", "\u212a", "k", "i", "I", "ı", "İ", "a", "a ", " a", "A", "\u202ea", "\u200ba"];
    expect(new Set(alike.map((key) => keyText({ tenant: "t", scope: "s", key }))).size).toBe(alike.length);
  });
});
