import type { Chance } from "../../sim/chance.ts";
import { bytesField, type Span, spansOf, tag, varint, varintField, WIRE } from "./wire.ts";

export interface Mutation {
  readonly name: string;
  apply(message: Buffer, chance: Chance): Buffer;
}

export function junk(length: number, { whole }: Chance): Buffer {
  return Buffer.from(Array.from({ length }, () => whole(0, 255)));
}

/** Puts something in the place of one field. */
function onField(message: Buffer, chance: Chance, change: (span: Span, value: Buffer) => Buffer): Buffer {
  const spans = spansOf(message);
  if (spans.length === 0) return message;
  const span = chance.pick(spans);
  const changed = change(span, message.subarray(span.value, span.end));
  return Buffer.concat([message.subarray(0, span.at), changed, message.subarray(span.end)]);
}

/** Lengths and numbers that no message has. */
const HUGE = [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];

function nested(depth: number, field: number): Buffer {
  const heads: Buffer[] = [];
  for (let length = 0, level = 0; level < depth; level++) {
    const head = Buffer.concat([tag(field, WIRE.bytes), varint(length)]);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "bits",
    apply(message, chance) {
      const bytes = Buffer.from(message);
      for (let flips = chance.whole(1, 16); flips > 0 && bytes.length > 0; flips--) {
        const at = chance.whole(0, bytes.length - 1);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.whole(0, 7));
      }
      return bytes;
    },
  },
  { name: "truncated", apply: (message, chance) => message.subarray(0, chance.whole(0, message.length)) },
  {
    name: "spliced",
    apply(message, chance) {
      const at = chance.whole(0, message.length);
      const from = chance.whole(0, message.length);
      const piece = chance.chance(0.5) ? junk(chance.whole(1, 40), chance) : message.subarray(from);
      return Buffer.concat([message.subarray(0, at), piece, message.subarray(chance.whole(at, message.length))]);
    },
  },
  {
    name: "wrong length",
    apply: (message, chance) =>
      onField(message, chance, ({ field, type }, value) => {
        if (type !== WIRE.bytes) return Buffer.concat([tag(field, WIRE.bytes), varint(chance.pick(HUGE)), value]);
        const off = chance.pick([-1, 1, -value.length, 100, 1_000_000]);
        const length = chance.chance(0.5) ? BigInt(Math.max(0, value.length + off)) : chance.pick(HUGE);
        return Buffer.concat([tag(field, WIRE.bytes), varint(length), value]);
      }),
  },
  {
    name: "wrong type",
    apply: (message, chance) =>
      onField(message, chance, ({ field }, value) => Buffer.concat([tag(field, chance.whole(0, 7)), value])),
  },
  {
    name: "twice",
    apply: (message, chance) => Buffer.concat(Array.from({ length: chance.whole(2, 50) }, () => message)),
  },
  {
    name: "unknown fields",
    apply(message, chance) {
      const many = Array.from({ length: chance.whole(1, 200) }, () => {
        const field = chance.pick([chance.whole(1, 40), chance.whole(1000, 2 ** 28), 2 ** 29 - 1, 0]);
        return chance.chance(0.5) ? varintField(field, chance.pick(HUGE)) : bytesField(field, junk(8, chance));
      });
      return Buffer.concat([message, ...many]);
    },
  },
  {
    name: "nested",
    apply(message, chance) {
      const field = chance.whole(1, 20);
      const depth = chance.pick([10, 101, 1000, 4000]);
      return Buffer.concat([
        message,
        chance.chance(0.5) ? nested(depth, field) : Buffer.alloc(depth, tag(field & 15, 3)),
      ]);
    },
  },
  {
    name: "endless number",
    apply: (message, chance) =>
      onField(message, chance, ({ field }) =>
        Buffer.concat([
          tag(field, WIRE.varint),
          Buffer.alloc(chance.whole(9, 30), 0xff),
          Buffer.of(chance.whole(0, 255)),
        ]),
      ),
  },
  {
    name: "huge number",
    apply: (message, chance) => onField(message, chance, ({ field }) => varintField(field, chance.pick(HUGE))),
  },
  { name: "noise", apply: (_, chance) => junk(chance.whole(0, 400), chance) },
];
