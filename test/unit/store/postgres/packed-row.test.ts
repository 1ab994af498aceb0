import { describe, expect, test } from "vitest";
import { EPOCH, PackedRow } from "../../../../src/store/postgres/packed-row.ts";
import { bool, bytea, type Column, EVER, int2, int4, int8, NEVER, packed, text, timestamptz } from "./packed.ts";

const rowOf = (...columns: readonly Column[]) => new PackedRow(packed(...columns));

test("columns are read one after the other, in the order in which they were sent", () => {
  const row = rowOf(text("ü€"), int8(7n), bool(true), bool(false), int2(-3), int4(-70_000), bytea(Buffer.of(0, 255)));
  expect([row.text(), row.int8(), row.bool(), row.bool()]).toEqual(["ü€", 7n, true, false]);
  expect([row.int2OrNull(), row.int4(), row.bytes()]).toEqual([-3, -70_000, Uint8Array.of(0, 255)]);
  row.end();
});

test("what is empty is not null", () => {
  const row = rowOf(text(""), bytea(Buffer.alloc(0)), text("behind"));
  expect([row.textOrNull(), row.bytesOrNull(), row.text()]).toEqual(["", new Uint8Array(), "behind"]);
  row.end();
});

test("what is null takes no room, and what is behind it is read", () => {
  const nothing = [text(null), bytea(null), int2(null), int8(null), int8(null), timestamptz(null)];
  const row = rowOf(...nothing, int4(5));
  expect([row.textOrNull(), row.bytesOrNull(), row.int2OrNull(), row.int8OrNull()]).toEqual([null, null, null, null]);
  expect([row.numberOrNull(), row.instantOrNull(), row.int4()]).toEqual([null, null, 5]);
  row.end();
});

test.each([0n, 1n, -1n, 2n ** 32n - 1n, 2n ** 32n, -(2n ** 32n), 2n ** 53n - 1n, -(2n ** 53n - 1n)])(
  "%d is the same as a number and as an integer of any size",
  (value) => {
    const row = rowOf(int8(value), int8(value));
    expect([row.int8(), row.number()]).toEqual([value, Number(value)]);
  },
);

test.each([NEVER, EVER])("%d is read whole", (value) => {
  expect(rowOf(int8(value)).int8()).toBe(value);
});

test.each([
  [0n, Date.UTC(2000, 0) * 1000],
  [1n, Date.UTC(2000, 0) * 1000 + 1],
  [-1n, Date.UTC(2000, 0) * 1000 - 1],
  [-946_684_800_000_000n, 0],
  [2n ** 53n - 1n, EPOCH + Number.MAX_SAFE_INTEGER],
  [-(2n ** 53n - 1n), EPOCH - Number.MAX_SAFE_INTEGER],
  [NEVER, Number.POSITIVE_INFINITY],
  [EVER, Number.NEGATIVE_INFINITY],
])("%d microseconds since the year 2000 are the instant %d", (micros, instant) => {
  expect(rowOf(timestamptz(micros)).instant()).toBe(instant);
  expect(rowOf(timestamptz(micros)).instantOrNull()).toBe(instant);
});

test("bytes are a view, plain, of a row that lies anywhere in a larger buffer", () => {
  const row = packed(text("before"), bytea(Buffer.from("evidence")));
  const around = new Uint8Array(row.length + 6).fill(9);
  around.set(row, 3);
  for (const view of [around.subarray(3, 3 + row.length), Buffer.from(around.buffer, 3, row.length)]) {
    const read = new PackedRow(view);
    expect(read.text()).toBe("before");
    const bytes = read.bytes();
    expect([bytes.constructor, bytes.buffer, Buffer.from(bytes).toString()]).toEqual([
      Uint8Array,
      around.buffer,
      "evidence",
    ]);
    read.end();
  }
});

describe("what cannot be is a bug:", () => {
  const READERS: Readonly<Record<string, (row: PackedRow) => unknown>> = {
    text: (row) => row.text(),
    bytes: (row) => row.bytes(),
    int8: (row) => row.int8(),
    number: (row) => row.number(),
    instant: (row) => row.instant(),
    bool: (row) => row.bool(),
    int4: (row) => row.int4(),
  };
  const NULLS: Readonly<Record<string, Column>> = {
    text: text(null),
    bytes: bytea(null),
    int8: int8(null),
    number: int8(null),
    instant: timestamptz(null),
    bool: [16, null],
    int4: int4(null),
  };

  test.each(Object.entries(READERS))("a column that is read by %s and is null", (name, read) => {
    const row = rowOf(NULLS[name] ?? text(null));
    expect(() => read(row)).toThrow("bug: a column that is never null is null");
  });

  test.each(Object.entries(READERS))("a column that is read by %s and has another type", (_, read) => {
    expect(() => read(rowOf([3802, Buffer.of(1)]))).toThrow("bug: a column is of type 3802");
  });

  test("a column that nobody reads", () => {
    const row = rowOf(int4(1), int4(2));
    row.int4();
    expect(() => row.end()).toThrow("bug: a row has columns that nobody reads");
    row.int4();
    row.end();
  });
});
