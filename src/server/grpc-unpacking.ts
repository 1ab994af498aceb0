import type { ServerHttp2Stream } from "node:http2";
import { type ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { SIZES } from "../domain/limits.ts";
import { inflaterOf } from "./grpc-inflate.ts";
import type { Place, Room } from "./room.ts";

/** What grpc-js has of a call, and keeps private. */
interface IncomingCall {
  readonly stream: ServerHttp2Stream;
  decoder: { write(chunk: Buffer): Buffer[] };
  /** @param message with its five bytes */
  decompressMessage(message: Buffer, encoding: string): Promise<Buffer>;
}

/**
 * Takes the unpacking of requests out of the hands of grpc-js (1.14.7), which unpacks each message as it arrives, however
 * many of them a call has and however many calls there are: 16 KiB of empty messages, each said to be compressed, are
 * three thousand decompressors, and a kilobyte of gzip is 1.25 MiB, a thousand times on a connection. All of it before
 * anybody is asked who he is. Two hundred calls of the first kind took a server to 660 MiB, and it answered nobody for
 * seconds; sixteen hundred of the second kind to 1.7 GiB.
 *
 * Here a call of one message unpacks one, when nothing more can come for it, and when there is room for what may come of
 * it. What cannot be unpacked is answered as what cannot be decoded is, and not INTERNAL. Of sessions see grpc-inflate.ts;
 * other calls of several messages, which are reflection, take none that is compressed.
 */
export function unpackInTurn(room: Room): ServerInterceptor {
  return ({ requestStream }, intercepted) => {
    const call = intercepted as unknown as IncomingCall;
    if (typeof call.decompressMessage !== "function" || !call.stream || !call.decoder) {
      throw new Error("bug: grpc-js no longer reads by decoder and decompressMessage of a call that has a stream");
    }
    if (requestStream) call.decompressMessage = plainOnly;
    else takeOne(call, room);
    // Its type wants more than what interceptors are given.
    return intercepted as ServerInterceptingCall;
  };
}

async function plainOnly(message: Buffer, encoding: string): Promise<Buffer> {
  if (encoding !== "identity") throw NOT_UNPACKED;
  return message.subarray(PREFIX_BYTES);
}

function takeOne(call: IncomingCall, room: Room): void {
  const { stream, decoder } = call;
  let count = 0;
  call.decoder = {
    write(chunk) {
      const messages = decoder.write(chunk);
      // The second is refused, and with it the call: of thousands behind it there is nothing to say.
      return messages.length > 2 ? messages.slice(0, 2) : messages;
    },
  };
  call.decompressMessage = async (message, encoding) => {
    if (count++ > 0) throw SECOND_MESSAGE;
    if (encoding === "identity") return message.subarray(PREFIX_BYTES);
    const inflate = inflaterOf(encoding);
    if (inflate === undefined) throw NOT_UNPACKED;
    // grpc-js reads on when the message is unpacked, which here waits for the end.
    stream.resume();
    if (!(await untilEnd(stream))) throw GONE;
    const place = await enterToUnpack(stream, room);
    if (place === null) throw GONE;
    try {
      return await inflate(message.subarray(PREFIX_BYTES), { maxOutputLength: SIZES.messageBytesMax });
    } catch (error) {
      if (error instanceof RangeError) throw TOO_LARGE;
      return UNDECODABLE;
    } finally {
      place.leave();
    }
  };
}

const PREFIX_BYTES = 5;

/** What grpc-js would say. */
const SECOND_MESSAGE = { code: status.UNIMPLEMENTED, details: "Received a second request message" };
const NOT_UNPACKED = { code: status.UNIMPLEMENTED, details: "Received message compressed with unsupported encoding" };
const TOO_LARGE = { code: status.RESOURCE_EXHAUSTED, details: "Received message that is too large when unpacked" };
/** Nobody is told. */
const GONE = { code: status.CANCELLED, details: "" };

/** Bytes that are no message of any type: the call is authenticated, observed and refused like any other of that kind. */
const UNDECODABLE = Buffer.of(0xff);

/** True once the caller has said all; false if the stream closes before. */
function untilEnd(stream: ServerHttp2Stream): Promise<boolean> {
  if (stream.readableEnded) return Promise.resolve(true);
  if (stream.closed || stream.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    stream.once("end", () => resolve(true));
    stream.once("close", () => resolve(false));
  });
}

/**
 * Room to unpack a message of this stream; null if the stream closes before there is any. Later it may: whoever could make
 * room by going, while what he sent is still being unpacked, could have any amount of it unpacked.
 */
export async function enterToUnpack(stream: ServerHttp2Stream, room: Room): Promise<Place | null> {
  const place = room.enter(stream.session ?? stream, SIZES.messageBytesMax);
  const leave = () => place.leave();
  stream.once("close", leave);
  const isEntered = await place.entered;
  stream.off("close", leave);
  if (isEntered && !stream.closed && !stream.destroyed) return place;
  place.leave();
  return null;
}
