import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareKeys } from "../../../../src/domain/key.ts";
import { SIZES } from "../../../../src/domain/limits.ts";
import { keyRange } from "../../../../src/store/postgres/key-range.ts";

const tenant = "default";
const HIGHEST = "\u{10FFFF}".repeat(SIZES.keyBytesMax / 4);

const isIn = (covered: Parameters<typeof keyRange>[0], scope: string, key: string) => {
  const { from, last } = keyRange(covered);
  const named = { tenant, scope, key };
  return compareKeys({ tenant, ...from }, named) <= 0 && compareKeys(named, { tenant, ...last }) <= 0;
};

/** Texts of few characters, among them the lowest and the highest that there are. */
const text = fc.string({
  unit: fc.constantFrom("a", "b", "\u0001", "é", "\uffff", "\u{10000}", "\u{10FFFF}"),
  minLength: 1,
  maxLength: 4,
});

describe("a stretch of the primary key", () => {
  test("holds a scope and its keys that begin so, and nothing else", () => {
    fc.assert(
      fc.property(text, text, text, text, (scope, keyPrefix, otherScope, key) => {
        expect(isIn({ scope, keyPrefix, after: null }, otherScope, key)).toBe(
          otherScope === scope && key.startsWith(keyPrefix),
        );
        expect(isIn({ scope, keyPrefix: null, after: null }, otherScope, key)).toBe(otherScope === scope);
        expect(isIn({ scope: null, keyPrefix, after: null }, otherScope, key)).toBe(true);
      }),
    );
  });

  test("holds one key alone", () => {
    fc.assert(
      fc.property(text, text, text, text, (scope, key, otherScope, otherKey) => {
        const expected = otherScope === scope && otherKey === key;
        expect(isIn({ scope, keyPrefix: null, key, after: null }, otherScope, otherKey)).toBe(expected);
        expect(isIn({ scope, keyPrefix: null, key, after: null }, scope, key)).toBe(true);
      }),
    );
  });

  test("begins directly behind a position", () => {
    fc.assert(
      fc.property(text, text, text, text, (scope, key, otherScope, otherKey) => {
        const isBehind = compareKeys({ tenant, scope: otherScope, key: otherKey }, { tenant, scope, key }) > 0;
        expect(isIn({ scope: null, keyPrefix: null, after: { scope, key } }, otherScope, otherKey)).toBe(isBehind);
      }),
    );
  });

  test("reaches to the highest key that there can be", () => {
    expect(
      isIn({ scope: null, keyPrefix: null, after: null }, HIGHEST.slice(0, SIZES.scopeBytesMax / 2), HIGHEST),
    ).toBe(true);
    expect(isIn({ scope: "a", keyPrefix: "\u{10FFFF}", after: null }, "a", HIGHEST)).toBe(true);
  });
});

describe("of a stretch both ends are", () => {
  const ALL = "\u{10FFFF}".repeat(128);

  test.each<readonly [string, Parameters<typeof keyRange>[0], ReturnType<typeof keyRange>]>([
    [
      "the least and the highest that there are, where nothing is named",
      { scope: null, keyPrefix: null, after: null },
      { from: { scope: "", key: "" }, last: { scope: ALL, key: ALL } },
    ],
    [
      "the same where only a prefix is named, which belongs to no scope",
      { scope: null, keyPrefix: "p", key: "k", after: null },
      { from: { scope: "", key: "" }, last: { scope: ALL, key: ALL } },
    ],
    [
      "those of the scope",
      { scope: "s", keyPrefix: null, after: null },
      { from: { scope: "s", key: "" }, last: { scope: "s", key: ALL } },
    ],
    [
      "those of the prefix in the scope",
      { scope: "s", keyPrefix: "p", after: null },
      { from: { scope: "s", key: "p" }, last: { scope: "s", key: `p${ALL}` } },
    ],
    [
      "the key, whatever the prefix",
      { scope: "s", keyPrefix: "p", key: "k", after: null },
      { from: { scope: "s", key: "k" }, last: { scope: "s", key: "k" } },
    ],
    [
      "the key, also an empty one",
      { scope: "s", keyPrefix: "p", key: "", after: null },
      { from: { scope: "s", key: "" }, last: { scope: "s", key: "" } },
    ],
    [
      "directly behind the position, and the end of the prefix",
      { scope: "s", keyPrefix: "p", after: { scope: "t", key: "x" } },
      { from: { scope: "t", key: "x\u0001" }, last: { scope: "s", key: `p${ALL}` } },
    ],
  ])("%s", (_, covered, range) => {
    expect(keyRange(covered)).toEqual(range);
  });
});
