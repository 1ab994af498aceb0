import { expect, test } from "vitest";
import { CORPUS_TENANTS, corpusOf } from "../../../../proof/faults/corpus.ts";
import { SIZES } from "../../../../src/domain/limits.ts";

const COUNT = 8_000;
const keys = corpusOf(COUNT, 7);

const same = (nameOf: (key: (typeof keys)[number]) => string) => keys.length - new Set(keys.map(nameOf)).size;

test("has as many names as were asked for, no two alike, all of which a server takes", () => {
  expect(keys).toHaveLength(COUNT);
  expect(same(({ tenant, scope, key }) => JSON.stringify([tenant, scope, key]))).toBe(0);
  const fits = (text: string, bytesMax: number) =>
    text !== "" && Buffer.byteLength(text) <= bytesMax && !text.includes("\0");
  const isTaken = ({ tenant = "", scope, key }: (typeof keys)[number]) =>
    ["", ...CORPUS_TENANTS].includes(tenant) && fits(scope, SIZES.scopeBytesMax) && fits(key, SIZES.keyBytesMax);
  expect(keys.filter((key) => !isTaken(key))).toEqual([]);
});

test.each([":", "/", "|", "-", "", "\u001f"])(
  "has names of one tenant that are equal once joined by %j",
  (separator) => {
    expect(same(({ tenant, scope, key }) => JSON.stringify([tenant, scope + separator + key]))).toBeGreaterThan(10);
  },
);

test.each(["-", ":", ""])("has names of two tenants that are equal once joined by %j", (separator) => {
  expect(same(({ tenant, scope, key }) => [tenant, scope, key].join(separator))).toBeGreaterThan(10);
});

test("has names that are equal once normalised, folded or trimmed", () => {
  const equal = (change: (text: string) => string) =>
    same(({ tenant, scope, key }) => JSON.stringify([tenant, change(scope), change(key)]));
  expect(equal((text) => text.normalize("NFKC"))).toBeGreaterThan(10);
  expect(equal((text) => text.toLowerCase())).toBeGreaterThan(10);
  expect(equal((text) => text.trim())).toBeGreaterThan(10);
});

test("is the same for the same seed", () => {
  expect(corpusOf(2_000, 3)).toEqual(corpusOf(2_000, 3));
  expect(corpusOf(2_000, 3)).not.toEqual(corpusOf(2_000, 4));
});
