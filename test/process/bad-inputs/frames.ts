import { connect } from "node:net";

/** HTTP/2 by hand: what no client library lets anybody send. */
export const FRAME = { headers: 1, reset: 3, settings: 4, goAway: 7, continuation: 9 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
/** What every peer takes without having said so. */
const FRAME_BYTES_MAX = 16_384;

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export type HeaderList = readonly (readonly [name: string, value: string | Buffer])[];

/** Literals without indexing and without Huffman coding: the plainest form of HPACK. */
function headerBlock(headers: HeaderList): Buffer {
  const parts = headers.flatMap(([name, value]) => [
    Buffer.of(0),
    ...hpackText(Buffer.from(name)),
    ...hpackText(value),
  ]);
  return Buffer.concat(parts);
}

function hpackText(text: string | Buffer): readonly Buffer[] {
  const bytes = Buffer.from(text as string, "latin1");
  return [hpackLength(bytes.length), bytes];
}

function hpackLength(length: number): Buffer {
  if (length < 127) return Buffer.of(length);
  const rest: number[] = [];
  let left = length - 127;
  for (; left > 127; left >>>= 7) rest.push((left & 127) | 128);
  return Buffer.of(127, ...rest, left);
}

/** A request's headers in as many frames as they need. */
export function headerFrames(stream: number, headers: HeaderList, { endStream = true } = {}): Buffer {
  const block = headerBlock(headers);
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES_MAX) {
    const isLast = at + FRAME_BYTES_MAX >= block.length;
    const flags = (isLast ? END_HEADERS : 0) | (at === 0 && endStream ? END_STREAM : 0);
    const type = at === 0 ? FRAME.headers : FRAME.continuation;
    frames.push(frame(type, flags, stream, block.subarray(at, at + FRAME_BYTES_MAX)));
  }
  return Buffer.concat(frames);
}

/** What the server did to a connection on which these bytes were sent. */
export interface Reaction {
  readonly bytes: Buffer;
  readonly frames: readonly { readonly type: number; readonly stream: number }[];
  /** The server ended or reset the connection. */
  readonly closed: boolean;
}

/** Sends, and resolves when the server has hung up or `isEnough` of what it said. */
export function provoke(
  address: string,
  sent: Buffer,
  isEnough: (reaction: Reaction) => boolean = () => false,
): Promise<Reaction> {
  const { hostname, port } = new URL(address.includes("://") ? address : `http://${address}`);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: false });
  const { promise, resolve } = Promise.withResolvers<Reaction>();
  let bytes = Buffer.alloc(0);
  let acknowledged = false;
  const react = (closed: boolean) => {
    const reaction = { bytes, frames: parseFrames(bytes), closed };
    if (sent.subarray(0, PREFACE.length).equals(PREFACE) && !acknowledged && reaction.frames.length > 0) {
      acknowledged = true;
      socket.write(frame(FRAME.settings, ACK, 0));
    }
    if (!closed && !isEnough(reaction)) return;
    socket.destroy();
    resolve(reaction);
  };
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    react(false);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => react(true));
  socket.write(sent);
  return promise;
}

function parseFrames(bytes: Buffer) {
  const frames: { type: number; stream: number }[] = [];
  for (let rest = bytes; rest.length >= 9; rest = rest.subarray(9 + rest.readUIntBE(0, 3))) {
    frames.push({ type: rest.readUInt8(3), stream: rest.readUInt32BE(5) & 0x7fff_ffff });
  }
  return frames;
}

/** The beginning of a connection. */
export const OPENED = Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]);

/** What a call of gRPC begins with. */
export function callHeaders(path: string): HeaderList {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ];
}

/** The server has answered or refused the first request. */
export function isDecided({ frames }: Reaction): boolean {
  return frames.some(({ type, stream }) => stream === 1 || type === FRAME.goAway);
}
