/** HTTP/2 by hand, RFC 9113: what no client library lets anybody send. */
export const TYPE = {
  ...{ data: 0, headers: 1, priority: 2, reset: 3, settings: 4, pushPromise: 5, ping: 6, goAway: 7 },
  ...{ windowUpdate: 8, continuation: 9 },
} as const;

export const FLAG = { none: 0, endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const SETTING = {
  ...{ headerTableSize: 1, enablePush: 2, maxConcurrentStreams: 3, initialWindow: 4, maxFrameSize: 5 },
  ...{ maxHeaderListSize: 6 },
} as const;

/** What every peer takes without having said so. */
export const FRAME_BYTES_MAX = 16_384;

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

const NOTHING = Buffer.alloc(0);

/** @param length what the frame says, where that is not what it has */
export function frame(type: number, flags: number, stream: number, payload: Buffer = NOTHING, length?: number): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export function settings(...pairs: readonly (readonly [setting: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * pairs.length);
  for (const [i, [setting, value]] of pairs.entries()) {
    payload.writeUInt16BE(setting, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  }
  return frame(TYPE.settings, FLAG.none, 0, payload);
}

export const OPENING = Buffer.concat([PREFACE, settings()]);

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export const reset = (stream: number, code = 8) => frame(TYPE.reset, FLAG.none, stream, word(code));
export const windowUpdate = (stream: number, bytes: number) => frame(TYPE.windowUpdate, FLAG.none, stream, word(bytes));
export const ping = (content: Buffer) => frame(TYPE.ping, FLAG.none, 0, content);
export const data = (stream: number, payload: Buffer, flags: number = FLAG.endStream) =>
  frame(TYPE.data, flags, stream, payload);

export function priority(stream: number, dependsOn: number, weight = 15): Buffer {
  return frame(TYPE.priority, FLAG.none, stream, Buffer.concat([word(dependsOn), Buffer.of(weight)]));
}

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Literals without indexing and without Huffman coding: the plainest form of HPACK (RFC 7541, 6.2.2). */
export function headerBlock(headers: HeaderList): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

/** A literal that goes into the table, where its index is 62 until the next one comes (6.2.1). */
export function indexed(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(name), text(value)]);
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
}

/** RFC 7541, 5.1. */
export function integer(value: number, bits: number, first: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.of(first | value);
  const rest: number[] = [];
  let left = value - most;
  for (; left > 127; left = Math.floor(left / 128)) rest.push((left & 127) | 128);
  return Buffer.of(first | most, ...rest, left);
}

export function headers(stream: number, block: Buffer, flags: number = FLAG.endHeaders): Buffer {
  return frame(TYPE.headers, flags, stream, block);
}

/** A request's headers in as many frames as they need. */
export function longHeaders(stream: number, block: Buffer, flags: number = FLAG.none): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES_MAX) {
    const isLast = at + FRAME_BYTES_MAX >= block.length;
    const part = block.subarray(at, at + FRAME_BYTES_MAX);
    const end = isLast ? FLAG.endHeaders : FLAG.none;
    frames.push(
      at === 0 ? frame(TYPE.headers, flags | end, stream, part) : frame(TYPE.continuation, end, stream, part),
    );
  }
  return Buffer.concat(frames);
}

/** What a call of gRPC begins with. */
export function callHeaders(path: string, more: HeaderList = []): HeaderList {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...more,
  ];
}
