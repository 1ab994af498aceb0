import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Checkpoint } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { NotSerializableError } from "./unrepresentable.ts";

/** A value as it is stored: results and checkpoints alike. */
export interface Content {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

/** Turns values into bytes and back. Also what the work itself returns goes through both: everybody gets the same. */
export interface Serializer<T> {
  /** Up to 256 bytes; only stored bytes of this very type are decoded with it. */
  readonly contentType: string;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /**
   * Whether stored bytes of a type can be decoded with it; what it does not accept is ResultUnavailableError
   * "unreadable". Left out: its own type is, and JSON and bytes are read without it.
   */
  accepts?(contentType: string): boolean;
}

export const JSON_TYPE = "application/json";
export const BYTES_TYPE = "application/octet-stream";

/**
 * Bytes stay bytes; everything else becomes JSON. Work that returns nothing is stored as no bytes at all, which no JSON
 * text is, and so comes back as undefined and not as null.
 *
 * @throws NotSerializableError for what is not JSON: a function, a cycle, a BigInt.
 */
export function encodeContent(value: unknown): Content {
  if (value instanceof Uint8Array) return { bytes: new Uint8Array(value), contentType: BYTES_TYPE };
  if (value === undefined) return { bytes: new Uint8Array(), contentType: JSON_TYPE };
  const text = stringify(value);
  if (text === undefined) throw new NotSerializableError(`a ${typeof value} is neither a JSON value nor bytes`);
  return { bytes: new TextEncoder().encode(text), contentType: JSON_TYPE };
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new NotSerializableError("the value has no JSON: there is a cycle in it, a BigInt, or a toJSON that throws", {
      cause,
    });
  }
}

export function isJsonType(contentType: string): boolean {
  const mediaType = mediaTypeOf(contentType);
  return mediaType === JSON_TYPE || mediaType.endsWith("+json");
}

export function isBytesType(contentType: string): boolean {
  const mediaType = mediaTypeOf(contentType);
  return mediaType === BYTES_TYPE || mediaType === "";
}

function mediaTypeOf(contentType: string): string {
  return contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/**
 * A fresh value each time: the caller may change it without harm. Bytes are copied, because those of a message share
 * the memory of the frame they came in.
 *
 * @throws TypeError or SyntaxError for another type, or bytes that are not what they are called.
 */
export function decodeContent(bytes: Uint8Array, contentType: string): unknown {
  if (isJsonType(contentType)) {
    return bytes.length === 0 ? undefined : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  }
  if (isBytesType(contentType)) return new Uint8Array(bytes);
  throw new TypeError(`no serializer for content of type ${JSON.stringify(contentType)}`);
}

/** What an earlier attempt left behind. */
export interface CheckpointView {
  readonly name: string;
  readonly sequence: bigint;
  /** As it was given to `checkpoint()`; the stored bytes when they cannot be decoded. */
  readonly data: unknown;
  readonly contentType: string;
  readonly recordTime: Date | undefined;
}

export function viewCheckpoint(checkpoint: Checkpoint): CheckpointView;
export function viewCheckpoint(checkpoint: Checkpoint | undefined): CheckpointView | undefined;
export function viewCheckpoint(checkpoint: Checkpoint | undefined): CheckpointView | undefined {
  if (checkpoint === undefined) return undefined;
  const { name, sequence, data, contentType, recordTime } = checkpoint;
  return {
    name,
    sequence,
    data: decodeOrBytes(data, contentType),
    contentType,
    recordTime: recordTime && timestampDate(recordTime),
  };
}

/** A checkpoint is a hint: one that another program wrote must not keep this one from working. */
function decodeOrBytes(bytes: Uint8Array, contentType: string): unknown {
  try {
    return decodeContent(bytes, contentType);
  } catch {
    return new Uint8Array(bytes);
  }
}
