import { gzipSync } from "node:zlib";
import { envelope } from "../../../test/process/bad-inputs/answer.ts";
import { KEPT_MIB_MAX_UNPACKING } from "../measure.ts";
import { type Attack, allEnded, atOnce, digested, onConnection, pour, streamOf, type Target } from "./attack.ts";
import { CLAIM_PATH, callBlock, SESSION_PATH } from "./calls.ts";
import { data, FLAG, FRAME_BYTES_MAX, headers, OPENING } from "./frame.ts";

/** Calls whose bodies are full of messages, where one belongs. */
function full(target: Target, path: string, message: Buffer, encoding: "gzip" | "identity"): Promise<void> {
  const count = Math.floor(FRAME_BYTES_MAX / message.length);
  return calls(target, path, Buffer.concat(Array.from({ length: Math.max(1, count) }, () => message)), encoding);
}

function calls(target: Target, path: string, body: Buffer, encoding: "gzip" | "identity"): Promise<void> {
  return atOnce(4, () =>
    onConnection(target, async (connection) => {
      await connection.send(OPENING);
      const block = callBlock(target, path, [["grpc-encoding", encoding]]);
      await pour(target, connection, 100, (i) =>
        Buffer.concat([headers(streamOf(i), block), data(streamOf(i), body, target.chance.pick([0, FLAG.endStream]))]),
      );
      await digested(connection);
    }),
  );
}

const STREAMS = 100;

/** Half of those who send it stay until every call of theirs is over; the others have gone when it has arrived. */
function bombs(target: Target, bomb: Buffer): Promise<void> {
  return atOnce(4, (i) =>
    onConnection(target, async (connection) => {
      const stays = i % 2 === 0;
      await connection.send(OPENING);
      const block = callBlock(target, CLAIM_PATH, [["grpc-encoding", "gzip"]]);
      await pour(target, connection, STREAMS, (i) => {
        const end = stays ? FLAG.endStream : target.chance.pick([FLAG.none, FLAG.endStream]);
        return Buffer.concat([headers(streamOf(i), block), data(streamOf(i), bomb, end)]);
      });
      await (stays ? allEnded(target, connection, STREAMS) : digested(connection));
    }),
  );
}

const NOTHING = Buffer.alloc(0);
const MIB = 1024 * 1024;
/** Eight KiB that become eight MiB, and one that become as much as a message may have. */
const bomb = envelope(gzipSync(Buffer.alloc(8 * MIB), { level: 9 }), 1);
const packed = envelope(gzipSync(Buffer.alloc(1.25 * MIB), { level: 9 }), 1);

/** Said to be compressed: noise, what is cut off, and what goes on behind its end. */
const spoilt = [
  Buffer.of(1, 2, 3, 4),
  gzipSync("spoilt").subarray(0, 12),
  Buffer.concat([gzipSync("x"), Buffer.of(7)]),
];

export const MESSAGES_ON_STREAMS: readonly Attack[] = [
  {
    ...{ name: "message-swarm", port: "grpc", what: "thousands of empty messages in a call that takes one" },
    round: (target) => full(target, CLAIM_PATH, envelope(NOTHING), "identity"),
  },
  {
    ...{
      name: "gzip-swarm",
      port: "grpc",
      what: "the same, each said to be compressed: each would be unpacked for itself",
    },
    keptMiBMax: KEPT_MIB_MAX_UNPACKING,
    round: (target) => full(target, CLAIM_PATH, envelope(NOTHING, 1), "gzip"),
  },
  {
    ...{ name: "gzip-bombs", port: "grpc", what: "small messages that unpack to 8 MiB, or to just what is allowed" },
    isAnswered: true,
    keptMiBMax: KEPT_MIB_MAX_UNPACKING,
    round: (target) => bombs(target, target.chance.pick([bomb, packed])),
  },
  {
    ...{ name: "gzip-spoilt", port: "grpc", what: "messages said to be compressed that are not (CVE-2026-48069)" },
    isAnswered: true,
    round: (target) => {
      const { chance } = target;
      const frames = (stream: number) => {
        const block = callBlock(target, CLAIM_PATH, [["grpc-encoding", chance.pick(["gzip", "deflate"])]]);
        return Buffer.concat([headers(stream, block), data(stream, envelope(chance.pick(spoilt), 1))]);
      };
      return atOnce(4, () =>
        onConnection(target, async (connection) => {
          await connection.send(OPENING);
          await pour(target, connection, STREAMS, (i) => frames(streamOf(i)));
          await allEnded(target, connection, STREAMS);
        }),
      );
    },
  },
  {
    ...{ name: "session-swarm", port: "grpc", what: "empty messages, compressed ones and bombs on sessions" },
    keptMiBMax: KEPT_MIB_MAX_UNPACKING,
    round: (target) => {
      const { chance } = target;
      const message = chance.pick([
        envelope(NOTHING),
        envelope(NOTHING, 1),
        envelope(gzipSync(NOTHING), 1),
        bomb,
        packed,
      ]);
      return chance.pick([full, calls])(target, SESSION_PATH, message, "gzip");
    },
  },
];
