/** The few frames of HTTP/2 that a gRPC client sends, and how each of all of them begins. RFC 9113, section 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;

/** Length, type, flags, stream. */
export const FRAME_HEADER_BYTES = 9;
/** Whether it is compressed, and its length. */
export const GRPC_PREFIX_BYTES = 5;

export const SETTING = { enablePush: 2, initialWindow: 4 } as const;
/** Of a connection and of each stream, until somebody says otherwise. */
export const FIRST_WINDOW = 65_535;
export const LARGEST_WINDOW = 2 ** 31 - 1;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

export function writeFrameHeader(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes.writeUInt32BE(stream, at + 5);
}

/** What every connection begins with: no pushes, and windows so wide that no answer waits for one. */
export function preface(): Buffer {
  const settings = Buffer.alloc(12);
  settings.writeUInt16BE(SETTING.enablePush, 0);
  settings.writeUInt32BE(0, 2);
  settings.writeUInt16BE(SETTING.initialWindow, 6);
  settings.writeUInt32BE(LARGEST_WINDOW, 8);
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
    frame(FRAME.settings, 0, 0, settings),
    windowUpdate(0, LARGEST_WINDOW - FIRST_WINDOW),
  ]);
}

export function windowUpdate(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.windowUpdate, 0, stream, payload);
}

/**
 * The headers of gRPC calls, compressed as nghttp2 does it: all but the path are sent once in full and are a byte each
 * from then on.
 */
export function createHeaderBlocks(authority: string) {
  const kept: readonly (readonly [name: number | string, value: string])[] = [
    [1, authority],
    ["te", "trailers"],
    [31, "application/grpc"],
    [58, "holdfast-bench"],
  ];
  // The newest entry of the table is 62, after the 61 that are always there.
  const indices = kept.map((_, i) => 0x80 | (61 + kept.length - i));
  let isFirst = true;
  return (path: string): Buffer => {
    const [authority, ...others] = isFirst
      ? kept.map(([name, value]) =>
          (typeof name === "number" ? [0x40 | name] : [0x40, ...text(name)]).concat(text(value)),
        )
      : indices.map((index) => [index]);
    isFirst = false;
    // POST, http, and the path by its indexed name, which nobody keeps.
    return Buffer.from([0x83, 0x86, 0x04, ...text(path), ...(authority ?? []), ...others.flat()]);
  };
}

function text(value: string): readonly number[] {
  if (value.length > 126) throw new Error(`bug: ${value} does not fit into one byte of length`);
  return [value.length, ...Buffer.from(value, "latin1")];
}
