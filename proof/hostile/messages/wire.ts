/** The wire format of protobuf by hand, so that it can be wrong. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

export function varint(value: bigint | number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

export function tag(field: number, type: number): Buffer {
  return varint((field << 3) | type);
}

export function bytesField(field: number, value: Uint8Array, length = value.length): Buffer {
  return Buffer.concat([tag(field, WIRE.bytes), varint(length), value]);
}

export function varintField(field: number, value: bigint | number): Buffer {
  return Buffer.concat([tag(field, WIRE.varint), varint(value)]);
}

/** Where a field of the outermost message stands. */
export interface Span {
  readonly at: number;
  readonly field: number;
  readonly type: number;
  /** Where its value begins; of bytes, behind the length. */
  readonly value: number;
  readonly end: number;
}

/** The fields of a message, as far as it is one. */
export function spansOf(message: Buffer): readonly Span[] {
  const spans: Span[] = [];
  for (let at = 0; at < message.length; ) {
    const head = readVarint(message, at);
    if (head === null) break;
    const type = Number(head.value & 7n);
    const size = sizeOf(message, head.end, type);
    if (size === null || size.end > message.length) break;
    spans.push({ at, field: Number(head.value >> 3n), type, ...size });
    at = size.end;
  }
  return spans;
}

function sizeOf(message: Buffer, at: number, type: number): { readonly value: number; readonly end: number } | null {
  const fixed = type === WIRE.fixed64 ? 8 : type === WIRE.fixed32 ? 4 : null;
  if (fixed !== null) return { value: at, end: at + fixed };
  if (type !== WIRE.varint && type !== WIRE.bytes) return null;
  const read = readVarint(message, at);
  if (read === null) return null;
  if (type === WIRE.varint) return { value: at, end: read.end };
  return { value: read.end, end: read.end + Number(read.value) };
}

function readVarint(message: Buffer, at: number): { readonly value: bigint; readonly end: number } | null {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = message[at + i];
    if (byte === undefined) return null;
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return { value, end: at + i + 1 };
  }
  return null;
}
