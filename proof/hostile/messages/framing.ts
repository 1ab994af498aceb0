import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import type { Chance } from "../../sim/chance.ts";
import { junk } from "./mutate.ts";

/** How messages become a body, and what the headers say of it. */
export interface Framed {
  readonly how: string;
  readonly body: Buffer;
  /** Undefined: none is said. */
  readonly encoding: string | undefined;
}

function envelope(message: Buffer, flags: number, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, message]);
}

const ENCODINGS = ["gzip", "deflate", "br", "identity", "snappy", "", "gzip, gzip"] as const;

/** Quickly: what comes of it is to be unpacked, not to be small. */
const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

const PACKERS: readonly (readonly [string, (message: Buffer) => Buffer])[] = [
  ["gzip", (message) => gzipSync(message, { level: 1 })],
  ["deflate", (message) => deflateSync(message, { level: 1 })],
  ["br", (message) => brotliCompressSync(message, QUICK)],
];

function packed(
  message: Buffer,
  chance: Chance,
): { readonly how: string; readonly bytes: Buffer; readonly encoding: string } {
  const [encoding, pack] = chance.pick(PACKERS);
  const bytes = pack(message);
  const spoil = chance.pick(["whole", "cut off", "spoilt", "other", "nothing"] as const);
  switch (spoil) {
    case "whole":
      return { how: encoding, bytes, encoding };
    case "cut off":
      return { how: `${encoding} cut off`, bytes: bytes.subarray(0, chance.whole(0, bytes.length)), encoding };
    case "spoilt": {
      const spoilt = Buffer.from(bytes);
      spoilt[chance.whole(0, spoilt.length - 1)] = chance.whole(0, 255);
      return { how: `${encoding} spoilt`, bytes: spoilt, encoding };
    }
    case "other":
      return { how: `${encoding} said to be another`, bytes, encoding: chance.pick(ENCODINGS) };
    case "nothing":
      return { how: `${encoding} of nothing`, bytes: Buffer.alloc(0), encoding };
  }
}

/** For protocols that put each message into an envelope. */
export function enveloped(messages: readonly Buffer[], chance: Chance): Framed {
  const plain = messages.map((message) => envelope(message, 0));
  if (chance.chance(0.6)) return { how: "enveloped", body: Buffer.concat(plain), encoding: undefined };
  const [first = Buffer.alloc(0)] = messages;
  const whole = Buffer.concat(plain);
  if (chance.chance(0.5)) return packedWrongly(first, chance);
  return chance.pick<() => Framed>([
    () => ({ how: "strange flags", body: envelope(first, chance.whole(2, 255)), encoding: undefined }),
    () => ({
      how: "length too long",
      body: envelope(first, 0, first.length + chance.whole(1, 1000)),
      encoding: undefined,
    }),
    () => ({ how: "length too short", body: envelope(first, 0, chance.whole(0, first.length)), encoding: undefined }),
    () => ({ how: "length of GiB", body: envelope(first, 0, 2 ** 32 - 1 - chance.whole(0, 9)), encoding: undefined }),
    () => ({ how: "cut off", body: whole.subarray(0, chance.whole(0, whole.length)), encoding: undefined }),
    () => ({ how: "messages twice", body: Buffer.concat([whole, whole]), encoding: undefined }),
    () => ({
      how: "noise behind it",
      body: Buffer.concat([whole, junk(chance.whole(1, 20), chance)]),
      encoding: undefined,
    }),
  ])();
}

/** Or rightly, now and then. */
function packedWrongly(message: Buffer, chance: Chance): Framed {
  const { how, bytes, encoding } = packed(message, chance);
  return chance.pick<Framed>([
    { how, body: envelope(bytes, 1), encoding },
    { how: `${how}, not said`, body: envelope(bytes, 1), encoding: undefined },
    { how: "packed is said", body: envelope(message, 0), encoding },
  ]);
}

/** For protocols whose body is the message. */
export function bare(message: Buffer, chance: Chance): Framed {
  if (chance.chance(0.75)) return { how: "bare", body: message, encoding: undefined };
  const { how, bytes, encoding } = packed(message, chance);
  return { how, body: bytes, encoding };
}
