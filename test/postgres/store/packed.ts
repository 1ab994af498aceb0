import { PackedRow } from "../../../src/store/postgres/packed-row.ts";
import type { Row } from "./mixed-stand.ts";

const INT8 = 20;
const TEXT = 25;
/** Of each value: its type and its length. */
const HEADER_BYTES = 8;

/** The elements of an array of texts in the binary format. */
export function textsOf(array: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 20; at < array.length; ) {
    const end = at + 4 + array.readInt32BE(at);
    texts.push(array.toString("utf8", at + 4, end));
    at = end;
  }
  return texts;
}

/** A row with its number and its key as columns of their own, if it came packed; `rest` is what follows them. */
export function unpack(row: Row): Row {
  const { call, ...others } = row;
  if (!Buffer.isBuffer(call)) return row;
  const packed = new PackedRow(call);
  const name = { i: BigInt(packed.number()), tenant: packed.text(), scope: packed.text(), key: packed.text() };
  return { ...name, ...others, columns: call.readInt32BE(0), rest: call.subarray(nameBytes(name)) };
}

export function pack(row: Row): Row {
  const { i, tenant, scope, key, columns, rest, ...others } = row;
  if (!Buffer.isBuffer(rest)) return row;
  const count = Buffer.alloc(4);
  count.writeInt32BE(Number(columns));
  const number = Buffer.alloc(8);
  number.writeBigInt64BE(i as bigint);
  const texts = [tenant, scope, key].map((text) => column(TEXT, Buffer.from(String(text))));
  return { ...others, call: Buffer.concat([count, column(INT8, number), ...texts, rest]) };
}

function nameBytes({ tenant, scope, key }: Readonly<Record<"tenant" | "scope" | "key", string>>): number {
  const bytes = [tenant, scope, key].reduce((sum, text) => sum + HEADER_BYTES + Buffer.byteLength(text), 0);
  return 4 + HEADER_BYTES + 8 + bytes;
}

function column(oid: number, value: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32BE(oid, 0);
  header.writeInt32BE(value.length, 4);
  return Buffer.concat([header, value]);
}
