import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import {
  boolArray,
  byteaArray,
  int2Array,
  int4Array,
  int8Array,
  textArray,
  timestamptzArray,
} from "../../src/store/postgres/binary-array.ts";
import { openSession, type Session } from "../../src/store/postgres/connection.ts";
import { EPOCH, PackedRow } from "../../src/store/postgres/packed-row.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let session: Session;
beforeAll(async () => {
  database = await createTestDatabase();
  session = await openSession({ url: database.url, clock: systemClock });
});
afterAll(async () => {
  await session?.close();
  await database?.drop();
});

const asIs = <Value>(value: Value) => value;

/** What Postgres makes of an array, as the driver reads it from text. */
async function read(type: string, array: Buffer): Promise<unknown> {
  const text = `select array(select v from unnest($1::${type}[]) with ordinality as u (v, i) order by i) as values`;
  const [row] = await session.query<{ values: unknown }>({ name: "", text }, [array]);
  return row?.values;
}

describe("what is sent as a binary array is what Postgres reads:", () => {
  const TEXTS = ["", "a", '"quoted" \\ {braces}, NULL', "NULL", "ü€\u{1f511}", "x".repeat(1_000)];

  test("texts, in any script and with whatever means something in the text of an array", async () => {
    expect(await read("text", textArray(TEXTS, asIs))).toEqual(TEXTS);
    expect(await read("text", textArray([null, ...TEXTS, null], asIs))).toEqual([null, ...TEXTS, null]);
  });

  test("bytes", async () => {
    const values = [null, Uint8Array.of(), Uint8Array.of(0, 255, 92), new Uint8Array(70_000).fill(7)];
    const plain = values.map((value) => value && Buffer.from(value));
    expect(await read("bytea", byteaArray(values, asIs))).toEqual(plain);
  });

  test("numbers of all widths", async () => {
    expect(await read("smallint", int2Array([-32_768, 0, 32_767], asIs))).toEqual([-32_768, 0, 32_767]);
    expect(await read("int", int4Array([-(2 ** 31), 0, 2 ** 31 - 1], asIs))).toEqual([-(2 ** 31), 0, 2 ** 31 - 1]);
    const wide = [0, 1, -1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 63n - 1n, -(2n ** 63n), null];
    const told = wide.map((value) => (value === null ? null : String(value)));
    expect(await read("bigint", int8Array(wide, asIs))).toEqual(told);
  });

  test("booleans and instants, to the microsecond and without end", async () => {
    expect(await read("boolean", boolArray([true, false], asIs))).toEqual([true, false]);
    const instants = [EPOCH, 0, EPOCH + 1, 1_767_225_600_123_456, null];
    const text =
      "select array(select (extract(epoch from v) * 1000000)::bigint::text from unnest($1::timestamptz[]) as u (v)) as values";
    const [row] = await session.query<{ values: unknown }>({ name: "", text }, [timestamptzArray(instants, asIs)]);
    expect(row?.values).toEqual(instants.map((instant) => (instant === null ? null : String(instant))));
  });

  test("nothing at all", async () => {
    expect(await read("text", textArray([], asIs))).toEqual([]);
  });
});

test("a character that Postgres cannot store is refused with the row's data at fault", async () => {
  await expect(read("text", textArray(["a\u0000b"], asIs))).rejects.toMatchObject({ code: "22021" });
});

describe("what would be altered on its way is refused as the row's data at fault, and not sent:", () => {
  const NO_WHOLE = [1.5, -0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const refused = (encode: () => unknown) => expect(encode).toThrow(expect.objectContaining({ code: "22P03" }));

  test.each([
    ["smallint", int2Array, 2 ** 15],
    ["int", int4Array, 2 ** 31],
    ["bigint", int8Array, 2 ** 53],
  ] as const)("numbers that are no %s", (_, array, limit) => {
    for (const value of [...NO_WHOLE, limit, -limit - 1]) refused(() => array([0, value], asIs));
  });

  test("integers of more than 64 bits", () => {
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) refused(() => int8Array([0n, value], asIs));
  });

  test("instants between two microseconds, and those that never come", () => {
    for (const value of NO_WHOLE) refused(() => timestamptzArray([EPOCH, value], asIs));
  });

  test("half a surrogate pair, for which another character would be written", () => {
    for (const text of ["\ud800", "a\udfffb", "\udfff\ud800"]) refused(() => textArray(["a", text], asIs));
  });
});

describe("a row that comes packed", () => {
  const packed = async (columns: string): Promise<PackedRow> => {
    const text = `select record_send(row(${columns})) as packed`;
    const [row] = await session.query<{ packed: Buffer }>({ name: "", text }, []);
    return new PackedRow(row?.packed ?? Buffer.alloc(0));
  };

  test("is read column by column", async () => {
    const row = await packed(
      "'ü'::text, null::text, '\\x00ff'::bytea, true, 7::smallint, 8::int, 9007199254740993::bigint, 604800000::bigint",
    );
    expect(row.text()).toBe("ü");
    expect(row.textOrNull()).toBeNull();
    expect(row.bytes()).toEqual(Uint8Array.of(0, 255));
    expect([row.bool(), row.int2OrNull(), row.int4()]).toEqual([true, 7, 8]);
    expect(row.int8()).toBe(9_007_199_254_740_993n);
    expect(row.number()).toBe(604_800_000);
    row.end();
  });

  test("tells instants to the microsecond, and those that never come", async () => {
    const row = await packed(
      "'2026-08-20 12:00:00.123456Z'::timestamptz, '1969-12-31 23:59:59.999999Z'::timestamptz, 'infinity'::timestamptz, " +
        "'-infinity'::timestamptz, null::timestamptz",
    );
    expect(row.instant()).toBe(1_787_227_200_123_456);
    expect([row.instant(), row.instant(), row.instant()]).toEqual([-1, Infinity, -Infinity]);
    expect(row.instantOrNull()).toBeNull();
    row.end();
  });

  test("that is read as what it is not is a bug: another type, null where there must be a value, columns left over", async () => {
    expect(() => new PackedRow(Buffer.alloc(4)).text()).toThrow();
    const text = await packed("'a'::text, null::text");
    expect(() => text.int8()).toThrow("bug");
    const missing = await packed("null::text");
    expect(() => missing.text()).toThrow("bug");
    const left = await packed("1::bigint, 2::bigint");
    left.number();
    expect(() => left.end()).toThrow("bug");
  });
});
