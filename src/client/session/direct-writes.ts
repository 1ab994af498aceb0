import type { ClientHttp2Stream } from "node:http2";

/** Writes messages past grpc-js; see `directWrites`. */
export interface DirectWrites {
  /** False: write no more before `onDrain`. */
  write(message: Uint8Array): boolean;
  /** What was written until now goes out before whatever the stream is told next. */
  flush(): void;
}

/** Before each message of gRPC: one byte that says whether it is compressed, and four with its length. */
const HEAD_BYTES = 5;

/** What is gathered for one write: about what HTTP/2 takes before it wants to wait. */
const GATHERED_BYTES_MAX = 64 * 1024;

/**
 * Writes the messages of a stream of grpc-js to the HTTP/2 stream under it, all those of one turn at once. grpc-js takes
 * them one by one through two object streams, four promises and a write each, which costs more than all else that a call
 * costs here. It goes on opening, reading and ending the stream.
 *
 * Null when the HTTP/2 stream is not found, for grpc-js keeps it private: then messages go the long way. Only of a stream
 * from which something has been read, for before that grpc-js may still move a call to another connection, and on which
 * nothing was written.
 */
export function directWrites(call: object, onDrain: () => void): DirectWrites | null {
  const stream = http2StreamOf(call);
  if (stream === null) return null;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let isFull = false;
  let isAwaited = false;

  const drained = () => {
    isFull = false;
    if (!isAwaited) return;
    isAwaited = false;
    onDrain();
  };
  const flush = () => {
    if (gatheredBytes === 0) return;
    const framed = frame(gathered, gatheredBytes);
    gathered = [];
    gatheredBytes = 0;
    // What can no longer be written has failed by the end of the stream, which follows.
    if (!stream.writable) return;
    isFull = !stream.write(framed);
    if (!isFull) drained();
  };
  stream.on("drain", drained);

  return {
    flush,
    write(message) {
      if (gatheredBytes === 0) process.nextTick(flush);
      gathered.push(message);
      gatheredBytes += HEAD_BYTES + message.length;
      isAwaited = isFull || gatheredBytes >= GATHERED_BYTES_MAX;
      return !isAwaited;
    },
  };
}

function frame(messages: readonly Uint8Array[], bytes: number): Buffer {
  const framed = Buffer.allocUnsafe(bytes);
  let offset = 0;
  for (const message of messages) {
    framed[offset] = 0;
    framed.writeUInt32BE(message.length, offset + 1);
    framed.set(message, offset + HEAD_BYTES);
    offset += HEAD_BYTES + message.length;
  }
  return framed;
}

/** The layers of a call of grpc-js 1.14, from the one that it gives out. */
interface LayeredCall {
  readonly call?: { readonly call?: { readonly child?: RetryingCall | null } };
}

interface RetryingCall {
  readonly committedCallIndex?: number | null;
  readonly underlyingCalls?: readonly { readonly call?: { readonly child?: SubchannelCall | null } }[];
}

interface SubchannelCall {
  readonly http2Stream?: ClientHttp2Stream;
}

function http2StreamOf(call: LayeredCall): ClientHttp2Stream | null {
  const { committedCallIndex, underlyingCalls } = call.call?.call?.child ?? {};
  const stream = underlyingCalls?.[committedCallIndex ?? -1]?.call?.child?.http2Stream;
  return stream !== undefined && "rstCode" in stream ? stream : null;
}
