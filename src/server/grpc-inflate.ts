import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { Fault } from "../domain/fault.ts";
import { messageTooLarge } from "./grpc-messages.ts";

/** Undoes the compression of one message; throws `Fault` FIELD_INVALID if that cannot be, or `messageTooLarge`. */
export type Inflate = (message: Buffer) => Promise<Buffer>;

type Inflater = (message: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const INFLATERS: ReadonlyMap<string, Inflater> = new Map([
  ["gzip", promisify(gunzip)],
  ["deflate", promisify(inflate)],
]);

/** Of a grpc-encoding; undefined for one that nobody here undoes. Throws `RangeError` for what is too long. */
export function inflaterOf(encoding: string | undefined): Inflater | undefined {
  return INFLATERS.get(encoding ?? "");
}

/**
 * By the grpc-encoding of the stream, without which no message of it may be compressed. On a thread of its own: a
 * thousand bytes may become a mebibyte, which takes some milliseconds.
 *
 * @param bytesMax of an inflated message
 */
export function inflateBy(encoding: string | undefined, bytesMax: number): Inflate {
  const inflater = inflaterOf(encoding);
  return async (message) => {
    if (inflater === undefined) throw new Fault("FIELD_INVALID", NO_ENCODING);
    try {
      return await inflater(message, { maxOutputLength: bytesMax });
    } catch (error) {
      if (error instanceof RangeError) throw messageTooLarge(bytesMax);
      throw new Fault("FIELD_INVALID", `a message of the stream is compressed, and not by ${encoding}`);
    }
  };
}

const NO_ENCODING = "a message of the stream is compressed, and the stream's grpc-encoding is neither gzip nor deflate";
