import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import fc from "fast-check";

/** Sizes on both sides of every bound in the proto that is not too large to try often. */
const SIZES = [0, 1, 15, 16, 17, 21, 22, 31, 32, 33, 42, 43, 63, 64, 65, 85, 86, 127, 128, 129, 170, 171, 256, 257];
const LARGE = [511, 512, 513, 2048, 2049, 65_536, 65_537];

const size = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...SIZES) }, fc.constantFrom(...LARGE));

/** Of 1, 2, 3 and 4 bytes of UTF-8, the letter that no text may have, and half a letter. */
const letter = fc.constantFrom("a", "a", "a", "é", "€", "𝄞", "\u0000", "\ud800");

const text = fc.oneof(
  fc.constant(""),
  fc.tuple(letter, size).map(([unit, count]) => unit.repeat(count)),
  fc.string({ unit: "binary", maxLength: 40 }),
);

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  size.map((length) => new Uint8Array(length).fill(7)),
);

const whole32 = (least: number, most: number) =>
  fc.oneof(
    fc.constantFrom(0, 1, 127, 128, 1000, 1001, 16_384, 2_097_152, least, most),
    fc.integer({ min: least, max: most }),
  );

const whole64 = (least: bigint, most: bigint) =>
  fc.oneof(
    fc.constantFrom(0n, 1n, 128n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 53n, least, most),
    fc.bigInt({ min: least, max: most }),
  );

const SCALARS: ReadonlyMap<ScalarType | undefined, fc.Arbitrary<unknown>> = new Map<ScalarType, fc.Arbitrary<unknown>>([
  [ScalarType.STRING, text],
  [ScalarType.BYTES, bytes],
  [ScalarType.BOOL, fc.boolean()],
  [ScalarType.INT32, whole32(-(2 ** 31), 2 ** 31 - 1)],
  [ScalarType.UINT32, whole32(0, 2 ** 32 - 1)],
  [ScalarType.INT64, whole64(-(2n ** 63n), 2n ** 63n - 1n)],
  [ScalarType.UINT64, whole64(0n, 2n ** 64n - 1n)],
  [ScalarType.DOUBLE, fc.double()],
]);

const NAMES_MAX = 3;
const ITEMS_MAX = 3;

/** Any message of this type, whether or not it is valid, with fields that nobody knows now and then. */
export function anyMessage<Desc extends DescMessage>(desc: Desc): fc.Arbitrary<Message> {
  const members = desc.members.map((member): [string, fc.Arbitrary<unknown>] =>
    member.kind === "oneof"
      ? [member.localName, fc.option(fc.oneof(...member.fields.map(anyCase)), { nil: undefined })]
      : [member.localName, anyField(member)],
  );
  return fc
    .tuple(fc.record(Object.fromEntries(members), { requiredKeys: [] }), anyUnknown)
    .map(([init, unknown]) => Object.assign(create(desc, init as never), unknown));
}

const anyUnknown = fc.option(
  fc
    .array(
      fc.record({
        no: fc.constantFrom(99, 1000, 536_870_911),
        wireType: fc.constant(0),
        data: fc.constant(Buffer.from([5])),
      }),
      { minLength: 1, maxLength: 2 },
    )
    .map(($unknown) => ({ $unknown })),
  { nil: {}, freq: 10 },
);

function anyCase(field: DescField): fc.Arbitrary<unknown> {
  return anyField(field).map((value) => ({ case: field.localName, value }));
}

/** A value of the field; for one that belongs to no oneof, perhaps none. */
export function anyField(field: DescField): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "message":
      return anyMessage(field.message);
    case "list":
      return fc.oneof(
        { weight: 4, arbitrary: fc.array(anyItem(field), { maxLength: ITEMS_MAX }) },
        fc.tuple(anyItem(field), fc.constantFrom(99, 100, 101)).map(([item, count]) => Array(count).fill(item)),
      );
    case "map":
      return fc.dictionary(fc.oneof(fc.constant("__proto__"), fc.string({ maxLength: 10 })), text, {
        maxKeys: NAMES_MAX,
      });
    case "enum":
    case "scalar":
      return anyItem(field);
  }
}

function anyItem({ message, enum: known, scalar }: DescField): fc.Arbitrary<unknown> {
  if (message !== undefined) return anyMessage(message);
  if (known !== undefined) return fc.constantFrom(...known.values.map(({ number }) => number), 99, -1);
  return SCALARS.get(scalar) ?? fc.constant(undefined);
}

/** The same message with some of its fields, or of those inside it, put in the place of anything. */
export function mutated<Desc extends DescMessage>(desc: Desc, base: Message): fc.Arbitrary<Message> {
  const values = base as unknown as Readonly<Record<string, unknown>>;
  const members = desc.members.map((member): [string, fc.Arbitrary<unknown>] => {
    const value = values[member.localName];
    const kept =
      member.kind === "field" && member.fieldKind === "message" && value !== undefined
        ? mutated(member.message, value as Message)
        : fc.constant(value);
    const other = member.kind === "oneof" ? fc.oneof(...member.fields.map(anyCase)) : anyField(member);
    return [
      member.localName,
      fc.oneof({ weight: 14, arbitrary: kept }, { weight: 2, arbitrary: other }, fc.constant(undefined)),
    ];
  });
  return fc.record(Object.fromEntries(members)).map((init) => create(desc, init as never));
}
