import { type Attack, atOnce, onConnection, pour, streamOf, type Target } from "./attack.ts";
import { CLAIM_PATH, call, callBlock, SESSION_PATH } from "./calls.ts";
import { data, FLAG, frame, headers, OPENING, PREFACE, reset, settings } from "./frame.ts";

function junk({ chance }: Target, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => chance.whole(0, 255)));
}

/** Something else than HTTP/2, or than its beginning. */
function beginning(target: Target): Buffer {
  const { chance } = target;
  return chance.pick([
    () => junk(target, chance.whole(1, 4096)),
    () => PREFACE.subarray(0, chance.whole(1, PREFACE.length)),
    () => Buffer.concat([PREFACE, junk(target, chance.whole(1, 4096))]),
    () => Buffer.concat([PREFACE, PREFACE]),
    () => Buffer.concat([PREFACE, reset(1)]),
    () => Buffer.concat([PREFACE, frame(4, FLAG.none, 1, Buffer.alloc(6))]),
    () => Buffer.concat([PREFACE, frame(4, FLAG.none, 0, Buffer.alloc(5))]),
    () => Buffer.concat([PREFACE, frame(4, FLAG.ack, 0, Buffer.alloc(6))]),
    () => Buffer.concat([PREFACE, settings([4, 2 ** 31]), settings([5, 1]), settings([2, 2])]),
    () => Buffer.concat([PREFACE, frame(0, FLAG.none, 1, Buffer.alloc(100), 2 ** 24 - 1)]),
    () => Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: h2c\r\n\r\n"),
    () => Buffer.concat([Buffer.from("16030100c8010000c40303", "hex"), junk(target, 200)]),
  ])();
}

/** Good conversations, of which some bytes are others. */
function spoilt(target: Target): Buffer {
  const { chance } = target;
  const calls = Array.from({ length: chance.whole(1, 8) }, (_, i) => call(target, streamOf(i)));
  const bytes = Buffer.concat([OPENING, ...calls, reset(streamOf(0))]);
  for (let flips = chance.whole(1, 12); flips > 0; flips--) {
    const at = chance.whole(PREFACE.length, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.whole(0, 7));
  }
  return chance.chance(0.3) ? bytes.subarray(0, chance.whole(PREFACE.length, bytes.length)) : bytes;
}

function once(target: Target, count: number, bytesOf: (target: Target) => Buffer): Promise<void> {
  return atOnce(count, () =>
    onConnection(target, async (connection) => {
      await connection.send(bytesOf(target));
      await connection.next(100);
    }),
  );
}

/** Of one round: as long as it is worth watching; the server's patience of 10 s is more than a round. */
const SLOW_MS = 1500;

function slowly(target: Target, whole: Buffer, connections = 100): Promise<void> {
  return atOnce(connections, () =>
    onConnection(
      target,
      async (connection) => {
        const until = performance.now() + SLOW_MS;
        const start = target.chance.whole(0, Math.min(whole.length - 1, 40));
        await connection.send(whole.subarray(0, start));
        for (let at = start; at < whole.length && performance.now() < until && connection.isOpen; at++) {
          await connection.send(whole.subarray(at, at + 1));
          await connection.next(150);
        }
      },
      { answers: false },
    ),
  );
}

export const CONNECTIONS: readonly Attack[] = [
  {
    ...{
      name: "garbage-preface",
      port: "grpc",
      what: "noise, halves of a preface, another protocol, settings that are none",
    },
    round: (target) => once(target, 60, beginning),
  },
  {
    ...{ name: "spoilt-frames", port: "grpc", what: "calls with some bits flipped, wherever they are" },
    round: (target) => once(target, 60, spoilt),
  },
  {
    ...{ name: "connection-flood", port: "grpc", what: "connections that are opened and broken, some with calls" },
    round: (target) =>
      atOnce(300, () =>
        onConnection(target, async (connection) => {
          if (target.chance.chance(0.5)) await connection.send(Buffer.concat([OPENING, call(target, 1)]));
          if (target.chance.chance(0.5)) connection.break();
        }),
      ),
  },
  {
    ...{ name: "slowloris", port: "grpc", what: "a byte at a time: prefaces, headers, messages" },
    round: (target) => slowly(target, Buffer.concat([OPENING, call(target, 1)])),
  },
  {
    ...{
      name: "stalled-calls",
      port: "grpc",
      what: "calls and sessions whose messages never come, hundreds on a connection",
    },
    round: (target) =>
      atOnce(10, () =>
        onConnection(target, async (connection) => {
          await connection.send(OPENING);
          await pour(target, connection, 200, (i) => {
            const path = target.chance.pick([CLAIM_PATH, SESSION_PATH]);
            const head = headers(streamOf(i), callBlock(target, path), FLAG.endHeaders);
            // A message of a MiB is announced, and its first byte comes.
            return Buffer.concat([head, data(streamOf(i), Buffer.of(0, 0, 0x10, 0, 0, 1), FLAG.none)]);
          });
          await connection.next(300);
          connection.break();
        }),
      ),
  },
];
