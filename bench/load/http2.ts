import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import {
  createHeaderBlocks,
  FIRST_WINDOW,
  FLAG,
  FRAME,
  FRAME_HEADER_BYTES,
  frame,
  GRPC_PREFIX_BYTES,
  preface,
  SETTING,
  windowUpdate,
  writeFrameHeader,
} from "./frames.ts";

/**
 * A client of gRPC that does next to nothing, as wrk and h2load are for HTTP: frames made by hand on a plain socket, no
 * headers of answers read, no deadlines. Two cores carry client, server and database, and what is measured is not the
 * client: `node:http2` takes several times its processor time for a call. In clear text; one server that keeps to the
 * rules is assumed, and anything unexpected ends the benchmark.
 */
export interface LeanHttp2 {
  /** One call with one answer; rejects when the server answers with an error instead. */
  unary(path: string, message: Uint8Array): Promise<Buffer>;
  /** A call whose messages go to and fro. */
  open(path: string, listener: StreamListener): LeanStream;
  close(): Promise<void>;
}

export interface LeanStream {
  send(message: Uint8Array): void;
  /** Nothing more will be sent. */
  end(): void;
}

export interface StreamListener {
  message(message: Buffer): void;
  /** Of an answer without a message, this is all there is. */
  ended(): void;
  broken(error: Error): void;
}

interface Stream extends StreamListener {
  /** Begun, and not wholly there yet. */
  rest: Buffer | null;
  window: number;
}

/** After so much was read, the server is told that it may send as much again. */
const WINDOW_STEP = 2 ** 26;

export async function connectLean(address: string): Promise<LeanHttp2> {
  const [host = "", port = ""] = address.split(":");
  const socket = connectTcp(Number(port), host);
  socket.setNoDelay(true);
  await once(socket, "connect");
  return speak(socket, address);
}

function speak(socket: Socket, address: string): LeanHttp2 {
  const blockOf = createHeaderBlocks(address);
  const streams = new Map<number, Stream>();
  /** Messages for which there was no window. */
  const held: (() => boolean)[] = [];
  let nextId = 1;
  let window = FIRST_WINDOW;
  let streamWindow = FIRST_WINDOW;
  let unacknowledged = 0;
  let rest: Buffer = Buffer.alloc(0);
  let isCorked = false;
  let isClosing = false;

  /** What is sent in one turn goes out in one write. */
  const write = (bytes: Buffer) => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      setImmediate(() => {
        isCorked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
  };

  const fail = (error: Error) => {
    for (const stream of streams.values()) stream.broken(error);
    streams.clear();
  };

  const begin = (path: string, listener: StreamListener): number => {
    const id = nextId;
    nextId += 2;
    streams.set(id, { ...listener, rest: null, window: streamWindow });
    write(frame(FRAME.headers, FLAG.endHeaders, id, blockOf(path)));
    return id;
  };

  const send = (id: number, message: Uint8Array, flags: number) => {
    const length = GRPC_PREFIX_BYTES + message.length;
    const trySend = () => {
      const stream = streams.get(id);
      if (stream === undefined) return true;
      if (window < length || stream.window < length) return false;
      window -= length;
      stream.window -= length;
      const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + length);
      writeFrameHeader(bytes, 0, length, FRAME.data, flags, id);
      bytes[FRAME_HEADER_BYTES] = 0;
      bytes.writeUInt32BE(message.length, FRAME_HEADER_BYTES + 1);
      bytes.set(message, FRAME_HEADER_BYTES + GRPC_PREFIX_BYTES);
      write(bytes);
      return true;
    };
    if (held.length > 0 || !trySend()) held.push(trySend);
  };

  const sendHeld = () => {
    while (held[0]?.()) held.shift();
  };

  const takeData = (id: number, payload: Buffer) => {
    unacknowledged += payload.length;
    if (unacknowledged >= WINDOW_STEP) {
      write(windowUpdate(0, unacknowledged));
      unacknowledged = 0;
    }
    const stream = streams.get(id);
    if (stream === undefined) return;
    let bytes = stream.rest === null ? payload : Buffer.concat([stream.rest, payload]);
    while (bytes.length >= GRPC_PREFIX_BYTES) {
      const end = GRPC_PREFIX_BYTES + bytes.readUInt32BE(1);
      if (bytes.length < end) break;
      stream.message(bytes.subarray(GRPC_PREFIX_BYTES, end));
      bytes = bytes.subarray(end);
    }
    stream.rest = bytes.length === 0 ? null : bytes;
  };

  const takeSettings = (payload: Buffer) => {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== SETTING.initialWindow) continue;
      const wanted = payload.readUInt32BE(at + 2);
      for (const stream of streams.values()) stream.window += wanted - streamWindow;
      streamWindow = wanted;
    }
    write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
    sendHeld();
  };

  const take = (type: number, flags: number, id: number, payload: Buffer) => {
    switch (type) {
      case FRAME.data:
        if (flags & FLAG.padded) throw new Error("bug: a server that pads");
        takeData(id, payload);
        break;
      case FRAME.settings:
        if (!(flags & FLAG.ack)) takeSettings(payload);
        break;
      case FRAME.ping:
        if (!(flags & FLAG.ack)) write(frame(FRAME.ping, FLAG.ack, 0, payload));
        break;
      case FRAME.windowUpdate: {
        const stream = streams.get(id);
        if (id === 0) window += payload.readUInt32BE();
        else if (stream !== undefined) stream.window += payload.readUInt32BE();
        sendHeld();
        break;
      }
      case FRAME.resetStream:
        streams.get(id)?.broken(new Error(`the server has reset a call: ${payload.readUInt32BE()}`));
        streams.delete(id);
        break;
      case FRAME.goAway:
        if (!isClosing) fail(new Error(`the server has sent a GOAWAY: ${payload.subarray(8).toString()}`));
    }
    if ((type === FRAME.data || type === FRAME.headers) && flags & FLAG.endStream) {
      streams.get(id)?.ended();
      streams.delete(id);
    }
  };

  socket.on("data", (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (bytes.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      const [type = 0, flags = 0] = [bytes[3], bytes[4]];
      take(type, flags, bytes.readUInt32BE(5), bytes.subarray(FRAME_HEADER_BYTES, end));
      bytes = bytes.subarray(end);
    }
    rest = bytes;
  });
  socket.once("error", fail);
  socket.once("close", () => fail(new Error("the server has closed the connection")));
  write(preface());

  return {
    unary(path, message) {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      let answer: Buffer | null = null;
      const id = begin(path, {
        message(bytes) {
          answer = bytes;
        },
        // Whatever has succeeded has a message, be it an empty one.
        ended: () => (answer === null ? reject(new Error(`${path} was answered with an error`)) : resolve(answer)),
        broken: reject,
      });
      send(id, message, FLAG.endStream);
      return promise;
    },
    open(path, listener) {
      const id = begin(path, listener);
      return {
        send: (message) => send(id, message, 0),
        end: () => write(frame(FRAME.data, FLAG.endStream, id, Buffer.alloc(0))),
      };
    },
    async close() {
      isClosing = true;
      streams.clear();
      if (socket.closed) return;
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    },
  };
}
