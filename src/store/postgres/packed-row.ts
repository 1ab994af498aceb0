import type { Instant } from "../../domain/instant.ts";

/** Postgres counts microseconds from the year 2000. */
export const EPOCH: Instant = 946_684_800_000_000;

const TWO_TO_32 = 2 ** 32;
/** After the number of columns. */
const FIRST_COLUMN = 4;
/** Before each value: its type and its length. */
const COLUMN_HEADER_BYTES = 8;
const NULL = -1;

const OID = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184 } as const;

/**
 * Reads what `record_send` made of a row: column after column, in the order of the statement's `row(…)`.
 *
 * The driver reads results as text, and makes a string, a parsed value and a property of every column. A row that comes
 * as one bytea costs the processor a third of that, and Postgres no more: it prints no times and no numbers.
 */
export class PackedRow {
  readonly #row: Buffer;
  #end = FIRST_COLUMN;

  constructor(packed: Uint8Array) {
    this.#row = Buffer.isBuffer(packed) ? packed : Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  }

  text(): string {
    return this.textOrNull() ?? missing();
  }

  textOrNull(): string | null {
    const length = this.#next(OID.text);
    return length === NULL ? null : this.#row.toString("utf8", this.#end - length, this.#end);
  }

  bytes(): Uint8Array {
    return this.bytesOrNull() ?? missing();
  }

  /** A view, without a copy. */
  bytesOrNull(): Uint8Array | null {
    const length = this.#next(OID.bytea);
    if (length === NULL) return null;
    return new Uint8Array(this.#row.buffer, this.#row.byteOffset + this.#end - length, length);
  }

  bool(): boolean {
    this.#present(OID.bool);
    return this.#row[this.#end - 1] === 1;
  }

  int2OrNull(): number | null {
    return this.#next(OID.int2) === NULL ? null : this.#row.readInt16BE(this.#end - 2);
  }

  int4(): number {
    this.#present(OID.int4);
    return this.#row.readInt32BE(this.#end - 4);
  }

  int8(): bigint {
    return this.int8OrNull() ?? missing();
  }

  int8OrNull(): bigint | null {
    return this.#next(OID.int8) === NULL ? null : this.#row.readBigInt64BE(this.#end - 8);
  }

  /** An int8 that is known to be below 2^53. */
  number(): number {
    return this.numberOrNull() ?? missing();
  }

  numberOrNull(): number | null {
    return this.#next(OID.int8) === NULL ? null : this.#int8AsNumber();
  }

  instant(): Instant {
    return this.instantOrNull() ?? missing();
  }

  instantOrNull(): Instant | null {
    if (this.#next(OID.timestamptz) === NULL) return null;
    const micros = this.#int8AsNumber();
    // The least and the greatest int8 stand for the infinities; no other value of ours is above 2^53.
    if (Number.isSafeInteger(micros)) return EPOCH + micros;
    return micros > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  /** Says that there are no more columns. */
  end(): void {
    if (this.#end !== this.#row.length) throw new Error("bug: a row has columns that nobody reads");
  }

  #int8AsNumber(): number {
    return this.#row.readInt32BE(this.#end - 8) * TWO_TO_32 + this.#row.readUInt32BE(this.#end - 4);
  }

  #present(oid: number): void {
    if (this.#next(oid) === NULL) missing();
  }

  /** Moves behind the next column. @returns the length of its value */
  #next(oid: number): number {
    const at = this.#end;
    if (this.#row.readInt32BE(at) !== oid) throw new Error(`bug: a column is of type ${this.#row.readInt32BE(at)}`);
    const length = this.#row.readInt32BE(at + 4);
    this.#end = at + COLUMN_HEADER_BYTES + Math.max(0, length);
    return length;
  }
}

function missing(): never {
  throw new Error("bug: a column that is never null is null");
}
