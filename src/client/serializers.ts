import { type DescMessage, fromBinary, isMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  BYTES_TYPE,
  decodeContent,
  encodeContent,
  isBytesType,
  isJsonType,
  JSON_TYPE,
  type Serializer,
} from "./content.ts";
import { NotSerializableError } from "./unrepresentable.ts";

/** A serializer that reads its own type of content and nothing else: another one is ResultUnavailableError "unreadable". */
export type StrictSerializer<T> = Serializer<T> & Required<Pick<Serializer<T>, "accepts">>;

/**
 * JSON, as `JSON.stringify` has it: a Date becomes text, and NaN null, for whoever ran the work too. Work that returns
 * nothing is stored as no bytes.
 *
 * @param parse checks what was stored, and gives it its type: `json(Order.parse)`. What it throws is the cause of a
 * ResultUnavailableError "unreadable". Default: the caller's word for it.
 */
export function json<T = unknown>(parse: (value: unknown) => T = (value) => value as T): StrictSerializer<T> {
  return {
    contentType: JSON_TYPE,
    accepts: isJsonType,
    encode(value) {
      if (value instanceof Uint8Array) throw new NotSerializableError("the work returned bytes, and they are no JSON");
      return encodeContent(value).bytes;
    },
    decode: (bytes) => parse(decodeContent(bytes, JSON_TYPE)),
  };
}

/** Bytes as they are: application/octet-stream. */
export function bytes(): StrictSerializer<Uint8Array<ArrayBuffer>> {
  return {
    contentType: BYTES_TYPE,
    accepts: isBytesType,
    encode(value: unknown) {
      if (!(value instanceof Uint8Array))
        throw new NotSerializableError(`the work returned ${nameOf(value)}, not bytes`);
      return value;
    },
    decode: (stored) => new Uint8Array(stored),
  };
}

const PROTOBUF_TYPE = "application/x-protobuf";
const CONTENT_TYPE_BYTES_MAX = 256;

/**
 * Messages of one type, in protobuf's binary form. The type's name is part of the content type, so that a message of
 * another type is never read as one of this: application/x-protobuf; proto=shop.v1.Order.
 *
 * @param schema of generated code: `OrderSchema`
 * @throws TypeError for a name that no content type holds
 */
export function protobuf<Desc extends DescMessage>(schema: Desc): StrictSerializer<MessageShape<Desc>> {
  const contentType = `${PROTOBUF_TYPE}; proto=${schema.typeName}`;
  if (contentType.length > CONTENT_TYPE_BYTES_MAX) {
    throw new TypeError(`the name of a message must be up to ${CONTENT_TYPE_BYTES_MAX - 30} characters`);
  }
  return {
    contentType,
    accepts: (stored) => stored === contentType,
    encode(value: unknown) {
      if (!isMessage(value, schema)) {
        throw new NotSerializableError(`the work returned ${nameOf(value)}, and no ${schema.typeName}: create() it`);
      }
      try {
        return toBinary(schema, value);
      } catch (cause) {
        throw new NotSerializableError(`the ${schema.typeName} cannot be encoded`, { cause });
      }
    },
    decode: (stored) => fromBinary(schema, stored),
  };
}

/** What kind of value it is, and nothing of it. */
function nameOf(value: unknown): string {
  if (isMessage(value)) return `a ${value.$typeName}`;
  return value === null ? "null" : `a value of type ${typeof value}`;
}
