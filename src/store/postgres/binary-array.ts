import type { Instant } from "../../domain/instant.ts";
import { NotStorable } from "./errors.ts";
import { EPOCH } from "./packed-row.ts";

/**
 * Columns of a batch as arrays in Postgres' binary format, one element for each call. The driver sends a Buffer as it is;
 * of anything else it makes the text of an array, with each element escaped, and Postgres has to parse that.
 *
 * What a column cannot hold throws `NotStorable`. Node's Buffer refuses some of it and alters the rest unseen.
 */
export type ArrayParameter = Buffer;

/** Of an element type as `array_recv` expects it; these never change from one server to another. */
const OID = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184 } as const;

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL = -1;
const INT2_MAX = 2 ** 15 - 1;
const INT4_MAX = 2 ** 31 - 1;

export function textArray<Call>(calls: readonly Call[], of: (call: Call) => string | null): ArrayParameter {
  // Three bytes for a UTF-16 unit are the most; what is not used is not sent.
  return encode(
    OID.text,
    calls,
    of,
    (text) => text.length * 3,
    (array, at, text) => {
      // Half a surrogate pair would be written as U+FFFD, and two keys be one. U+0000 is Postgres' to refuse.
      if (!text.isWellFormed()) throw new NotStorable("a text with half a surrogate pair");
      return array.write(text, at, "utf8");
    },
  );
}

export function byteaArray<Call>(calls: readonly Call[], of: (call: Call) => Uint8Array | null): ArrayParameter {
  return encode(
    OID.bytea,
    calls,
    of,
    (bytes) => bytes.length,
    (array, at, bytes) => {
      array.set(bytes, at);
      return bytes.length;
    },
  );
}

export function boolArray<Call>(calls: readonly Call[], of: (call: Call) => boolean): ArrayParameter {
  return encode(
    OID.bool,
    calls,
    of,
    () => 1,
    (array, at, yes) => {
      array[at] = yes ? 1 : 0;
      return 1;
    },
  );
}

export function int2Array<Call>(calls: readonly Call[], of: (call: Call) => number): ArrayParameter {
  return encode(
    OID.int2,
    calls,
    of,
    () => 2,
    (array, at, value) => array.writeInt16BE(whole(value, INT2_MAX), at) - at,
  );
}

export function int4Array<Call>(calls: readonly Call[], of: (call: Call) => number): ArrayParameter {
  return encode(
    OID.int4,
    calls,
    of,
    () => 4,
    (array, at, value) => array.writeInt32BE(whole(value, INT4_MAX), at) - at,
  );
}

export function int8Array<Call>(calls: readonly Call[], of: (call: Call) => number | bigint | null): ArrayParameter {
  return encode(OID.int8, calls, of, () => 8, writeInt8);
}

export function timestamptzArray<Call>(calls: readonly Call[], of: (call: Call) => Instant | null): ArrayParameter {
  return encode(
    OID.timestamptz,
    calls,
    of,
    () => 8,
    (array, at, instant) => writeInt8(array, at, instant - EPOCH),
  );
}

function encode<Call, Value>(
  oid: number,
  calls: readonly Call[],
  of: (call: Call) => Value | null,
  bytesMax: (value: Value) => number,
  /** Returns how many bytes it wrote. */
  write: (array: Buffer, at: number, value: Value) => number,
): ArrayParameter {
  let capacity = HEADER_BYTES + calls.length * LENGTH_BYTES;
  let hasNull = 0;
  for (const call of calls) {
    const value = of(call);
    if (value === null) hasNull = 1;
    else capacity += bytesMax(value);
  }
  const array = Buffer.allocUnsafe(capacity);
  array.writeInt32BE(1, 0); // dimensions
  array.writeInt32BE(hasNull, 4);
  array.writeInt32BE(oid, 8);
  array.writeInt32BE(calls.length, 12);
  array.writeInt32BE(1, 16); // the first element's number
  let at = HEADER_BYTES;
  for (const call of calls) {
    const value = of(call);
    const length = value === null ? NULL : write(array, at + LENGTH_BYTES, value);
    array.writeInt32BE(length, at);
    at += LENGTH_BYTES + Math.max(0, length);
  }
  return array.subarray(0, at);
}

const TWO_TO_32 = 2 ** 32;

function writeInt8(array: Buffer, at: number, value: number | bigint): number {
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) throw new NotStorable(`${value} has more than 64 bits`);
    array.writeBigInt64BE(value, at);
  } else {
    const high = Math.floor(whole(value, Number.MAX_SAFE_INTEGER) / TWO_TO_32);
    array.writeInt32BE(high, at);
    array.writeUInt32BE(value - high * TWO_TO_32, at + 4);
  }
  return 8;
}

/** One less than `-max` is in, as of every signed integer; of safe ones it is not. */
function whole(value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= -max - 1 && value <= max) return value;
  throw new NotStorable(`${value} is not a whole number up to ${max}`);
}
