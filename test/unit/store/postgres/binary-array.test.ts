import { describe, expect, test } from "vitest";
import {
  boolArray,
  byteaArray,
  int2Array,
  int4Array,
  int8Array,
  textArray,
  timestamptzArray,
} from "../../../../src/store/postgres/binary-array.ts";
import { NotStorable } from "../../../../src/store/postgres/errors.ts";
import { EPOCH } from "../../../../src/store/postgres/packed-row.ts";

/** That Postgres reads them so is test/postgres/binary-arrays.test.ts's to show; here are the bytes. */

const asIs = <Value>(value: Value) => value;
const hexOf = (array: Buffer) => array.toString("hex");

/** One dimension, whether there are nulls, the type, how many, from 1. */
const head = (hasNull: number, oid: string, count: number) => `00000001${word(hasNull)}${oid}${word(count)}00000001`;
const word = (value: number) => value.toString(16).padStart(8, "0");
const NULL = "ffffffff";

const BOOL = "00000010";
const BYTEA = "00000011";
const INT8 = "00000014";
const INT2 = "00000015";
const INT4 = "00000017";
const TEXT = "00000019";
const TIMESTAMPTZ = "000004a0";

test("an array begins with what is in it, and each element with its length", () => {
  expect(hexOf(textArray(["a", "", "ü"], asIs))).toBe(`${head(0, TEXT, 3)}${word(1)}61${word(0)}${word(2)}c3bc`);
  expect(hexOf(byteaArray([Uint8Array.of(0, 255)], asIs))).toBe(`${head(0, BYTEA, 1)}${word(2)}00ff`);
  expect(hexOf(boolArray([true, false], asIs))).toBe(`${head(0, BOOL, 2)}${word(1)}01${word(1)}00`);
});

test("whether there is a null is said in front, and a null has no length", () => {
  expect(hexOf(textArray(["a", null], asIs))).toBe(`${head(1, TEXT, 2)}${word(1)}61${NULL}`);
  expect(hexOf(byteaArray([null, Uint8Array.of(7)], asIs))).toBe(`${head(1, BYTEA, 2)}${NULL}${word(1)}07`);
  expect(hexOf(int8Array([null], asIs))).toBe(`${head(1, INT8, 1)}${NULL}`);
  expect(hexOf(timestamptzArray([null], asIs))).toBe(`${head(1, TIMESTAMPTZ, 1)}${NULL}`);
});

test("an array of nothing has a dimension all the same", () => {
  expect(hexOf(textArray([], asIs))).toBe(head(0, TEXT, 0));
});

test("a text as long as it can be in bytes fits", () => {
  const text = "€".repeat(100);
  expect(textArray([text, "x"], asIs).subarray(24, 324).toString("utf8")).toBe(text);
});

test("what is sent is of each call, in the order of the calls", () => {
  const calls = [{ of: 3 }, { of: 1 }, { of: 2 }];
  expect(hexOf(int2Array(calls, (call) => call.of))).toBe(
    `${head(0, INT2, 3)}${word(2)}0003${word(2)}0001${word(2)}0002`,
  );
});

describe("numbers reach to both ends of what their column holds, and no further:", () => {
  test.each([
    ["int2", int2Array, INT2, 2, [2 ** 15 - 1, "7fff"], [-(2 ** 15), "8000"]],
    ["int4", int4Array, INT4, 4, [2 ** 31 - 1, "7fffffff"], [-(2 ** 31), "80000000"]],
    ["int8", int8Array, INT8, 8, [2 ** 53 - 1, "001fffffffffffff"], [-(2 ** 53 - 1), "ffe0000000000001"]],
  ] as const)("%s", (_, array, oid, bytes, [most, mostHex], [least, leastHex]) => {
    expect(hexOf(array([most, least], asIs))).toBe(
      `${head(0, oid, 2)}${word(bytes)}${mostHex}${word(bytes)}${leastHex}`,
    );
    for (const value of [most + 1, least - 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => array([value], asIs)).toThrow(NotStorable);
    }
  });

  test("the limit is named with the number that is beyond it", () => {
    expect(() => int2Array([40_000], asIs)).toThrow("40000 is not a whole number up to 32767");
    expect(() => int4Array([2 ** 31], asIs)).toThrow("2147483648 is not a whole number up to 2147483647");
  });

  test("integers of any size", () => {
    expect(hexOf(int8Array([2n ** 63n - 1n, -(2n ** 63n), -1n], asIs))).toBe(
      `${head(0, INT8, 3)}${word(8)}7fffffffffffffff${word(8)}8000000000000000${word(8)}ffffffffffffffff`,
    );
    expect(() => int8Array([2n ** 63n], asIs)).toThrow("9223372036854775808 has more than 64 bits");
    expect(() => int8Array([-(2n ** 63n) - 1n], asIs)).toThrow(NotStorable);
  });

  test("numbers around each half of an int8", () => {
    expect(hexOf(int8Array([2 ** 32, -1, -(2 ** 32), 2 ** 32 - 1], asIs))).toBe(
      `${head(0, INT8, 4)}${word(8)}0000000100000000${word(8)}ffffffffffffffff${word(8)}ffffffff00000000${word(8)}00000000ffffffff`,
    );
  });
});

test("an instant is microseconds since the year 2000", () => {
  expect(hexOf(timestamptzArray([EPOCH, EPOCH - 1, EPOCH + 2], asIs))).toBe(
    `${head(0, TIMESTAMPTZ, 3)}${word(8)}0000000000000000${word(8)}ffffffffffffffff${word(8)}0000000000000002`,
  );
  for (const instant of [EPOCH + 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(() => timestamptzArray([instant], asIs)).toThrow(NotStorable);
  }
});

test.each(["\ud800", "a\udfffb", "\udfff\ud800"])("half a surrogate pair is refused: %j", (text) => {
  expect(() => textArray(["a", text], asIs)).toThrow("a text with half a surrogate pair");
});
