import {
  type DescField,
  type DescMessage,
  type Message,
  type MessageShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import {
  begin,
  size,
  writeBytes,
  writeDouble,
  writeRaw,
  writeString,
  writeVarint,
  writeVarint64,
  written,
} from "./backwards.ts";

/**
 * The bytes of `toBinary` in a third of its time, with no garbage but the bytes. A kind of field that is not below is not
 * worth the lines: messages that have one are left to `toBinary`. A test holds the two together over random messages.
 */
export function encode<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Buffer {
  const write = writerOf(desc);
  return write === null ? Buffer.from(toBinary(desc, message)) : Buffer.from(writtenBy(write, message, true));
}

/** The same without fields that this version does not know, in memory of its own: to be kept. */
export function encodeKnown<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Uint8Array {
  const write = writerOf(desc);
  if (write === null) return toBinary(desc, message, { writeUnknownFields: false });
  return new Uint8Array(writtenBy(write, message, false));
}

/** To be copied at once. */
function writtenBy(write: Write<Members>, message: Message, keepUnknown: boolean): Uint8Array {
  keepsUnknown = keepUnknown;
  begin();
  write(message as unknown as Members);
  return written();
}

let keepsUnknown = true;

type Members = Readonly<Record<string, unknown>> & { readonly $unknown?: readonly Unknown[] };
type Write<Value = unknown> = (value: Value) => void;

const writers = new Map<DescMessage, Write<Members> | null>();

function writerOf(desc: DescMessage): Write<Members> | null {
  const known = writers.get(desc);
  if (known !== undefined) return known;
  // A message inside its own kind finds this, and is left to `toBinary` with all around it.
  writers.set(desc, null);
  const writer = createWriter(desc);
  writers.set(desc, writer);
  return writer;
}

/** `toBinary` writes fields by their numbers, and then what it does not know: so this is the other way round. */
function createWriter(desc: DescMessage): Write<Members> | null {
  const fields = desc.fields.toSorted((a, b) => b.number - a.number).map(fieldWriter);
  const writes = fields.filter((write) => write !== null);
  if (writes.length < fields.length) return null;
  return (message) => {
    if (message.$unknown !== undefined && keepsUnknown) writeUnknown(message.$unknown);
    for (const write of writes) write(message);
  };
}

interface Unknown {
  readonly no: number;
  readonly wireType: number;
  readonly data: Uint8Array;
}

function writeUnknown(fields: readonly Unknown[]): void {
  for (const { no, wireType, data } of fields.toReversed()) {
    writeRaw(data);
    writeVarint(tagOf(no, wireType));
  }
}

function fieldWriter(field: DescField): Write<Members> | null {
  const { localName, oneof } = field;
  const write = valueWriter(field);
  if (write === null) return null;
  if (oneof !== undefined) {
    return (message) => {
      const { case: name, value } = message[oneof.localName] as { readonly case?: string; readonly value?: unknown };
      if (name === localName) write(value);
    };
  }
  switch (field.fieldKind) {
    case "message":
      return (message) => {
        const value = message[localName];
        if (value !== undefined) write(value);
      };
    case "list":
      return (message) => {
        for (const item of (message[localName] as readonly unknown[]).toReversed()) write(item);
      };
    case "map":
      return (message) => {
        const entries = message[localName] as Readonly<Record<string, unknown>>;
        for (const name of Object.keys(entries).reverse()) write([name, entries[name]]);
      };
    default: {
      if (field.presence !== IMPLICIT) return null;
      const isZero = zeroTest(field);
      return (message) => {
        const value = message[localName];
        if (!isZero(value)) write(value);
      };
    }
  }
}

/** As the type of `presence` has it, which is exported by name only from elsewhere. */
const IMPLICIT = 2;

function zeroTest({ scalar }: DescField): (value: unknown) => boolean {
  switch (scalar) {
    case ScalarType.STRING:
      return (value) => value === "";
    case ScalarType.BYTES:
      return (value) => (value as Uint8Array).length === 0;
    case ScalarType.BOOL:
      return (value) => value === false;
    case ScalarType.DOUBLE:
      return (value) => Object.is(value, 0);
    default:
      // Numbers of enums and 32 bits, and bigints.
      return (value) => value === 0 || value === 0n;
  }
}

/** A value with its tag before it; of a map, an entry. */
function valueWriter(field: DescField): Write | null {
  const delimited = tagOf(field.number, LENGTH_DELIMITED);
  if (field.fieldKind === "map") {
    if (field.mapKey !== ScalarType.STRING || field.scalar !== ScalarType.STRING) return null;
    return (entry) => writeEntry(entry as readonly [string, string], delimited);
  }
  if (field.message !== undefined) {
    const isPlain = field.delimitedEncoding !== true && !UNWRAPPED.has(field.message.file.name);
    const write = isPlain ? writerOf(field.message) : null;
    return write && ((value) => writeMessage(value as Members, write, delimited));
  }
  const scalar = SCALARS.get(field.enum === undefined ? field.scalar : ScalarType.INT32);
  if (scalar === undefined || field.fieldKind === "list") return null;
  const { wireType, write } = scalar;
  const tag = tagOf(field.number, wireType);
  return (value) => {
    write(value as never);
    writeVarint(tag);
  };
}

/** Whose messages are other values where they are fields. */
const UNWRAPPED: ReadonlySet<string> = new Set(["google/protobuf/wrappers", "google/protobuf/struct"]);

const [VARINT, BIT64, LENGTH_DELIMITED] = [0, 1, 2];

function tagOf(number: number, wireType: number): number {
  return ((number << 3) | wireType) >>> 0;
}

const SCALARS = new Map<ScalarType | undefined, { readonly wireType: number; readonly write: Write<never> }>([
  [ScalarType.STRING, { wireType: LENGTH_DELIMITED, write: writeString }],
  [ScalarType.BYTES, { wireType: LENGTH_DELIMITED, write: writeBytes }],
  [ScalarType.BOOL, { wireType: VARINT, write: (value: boolean) => writeVarint(value ? 1 : 0) }],
  [ScalarType.UINT32, { wireType: VARINT, write: writeVarint }],
  [
    ScalarType.INT32,
    { wireType: VARINT, write: (value: number) => (value < 0 ? writeVarint64(BigInt(value)) : writeVarint(value)) },
  ],
  [ScalarType.INT64, { wireType: VARINT, write: writeVarint64 }],
  [ScalarType.UINT64, { wireType: VARINT, write: writeVarint64 }],
  [ScalarType.DOUBLE, { wireType: BIT64, write: writeDouble }],
]);

function writeMessage(message: Members, write: Write<Members>, tag: number): void {
  const before = size();
  write(message);
  writeVarint(size() - before);
  writeVarint(tag);
}

/** Key and value are fields 1 and 2, and both are written, even empty. */
function writeEntry([name, value]: readonly [string, string], tag: number): void {
  const before = size();
  writeString(value);
  writeVarint(tagOf(2, LENGTH_DELIMITED));
  writeString(name);
  writeVarint(tagOf(1, LENGTH_DELIMITED));
  writeVarint(size() - before);
  writeVarint(tag);
}
