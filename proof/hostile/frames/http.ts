import { brotliCompressSync, gzipSync } from "node:zlib";
import { KEPT_MIB_MAX_UNPACKING } from "../measure.ts";
import { type Attack, atOnce, onConnection, pour, type Target } from "./attack.ts";
import { CLAIM_PATH } from "./calls.ts";

const JSON_TYPE = "content-type: application/json\r\n";

function request(target: Target, lines: string, body = "", path = CLAIM_PATH): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${target.authorization}\r\n${lines}\r\n`;
  return Buffer.from(head + body, "latin1");
}

function claim({ chance }: Target): string {
  return `{"key":{"scope":"hostile","key":"flood-${chance.whole(0, 99)}"},"claim_id":"hostile-${chance.whole(10 ** 8, 10 ** 9)}"}`;
}

function sized(target: Target, body: string): Buffer {
  return request(target, `${JSON_TYPE}content-length: ${Buffer.byteLength(body)}\r\n`, body);
}

/** Two readings of one request are two requests. */
const SMUGGLED = [
  "content-length: 4\r\ntransfer-encoding: chunked\r\n",
  "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
  "transfer-encoding: xchunked\r\n",
  "transfer-encoding : chunked\r\n",
  "content-length: 4\r\ncontent-length: 5\r\n",
  "content-length: +4\r\n",
  "content-length: 4, 4\r\n",
  "content-length: 99999999999999999999\r\n",
  "x: y\r\n z: folded\r\n",
  "x\x00y: z\r\n",
  "expect: 200-nothing\r\n",
  "upgrade: websocket\r\nconnection: upgrade\r\n",
];

function junk({ chance }: Target, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => chance.whole(0, 255)));
}

function each(target: Target, count: number, bytesOf: () => Buffer, ms = 100): Promise<void> {
  return atOnce(count, () =>
    onConnection(target, async (connection) => {
      await connection.send(bytesOf());
      await connection.next(ms);
    }),
  );
}

const MIB = 1024 * 1024;
const BOMBS = [
  ["gzip", gzipSync(Buffer.alloc(8 * MIB), { level: 9 })],
  ["gzip", gzipSync(Buffer.alloc(1.25 * MIB), { level: 9 })],
  ["br", brotliCompressSync(Buffer.alloc(8 * MIB))],
] as const;

export const HTTP: readonly Attack[] = [
  {
    ...{ name: "http-bombs", port: "http", what: "small bodies that unpack to 8 MiB, on hundreds of connections" },
    isAnswered: true,
    keptMiBMax: KEPT_MIB_MAX_UNPACKING,
    round: (target) =>
      atOnce(200, () =>
        onConnection(target, async (connection) => {
          const [encoding, body] = target.chance.pick(BOMBS);
          const type = target.chance.pick(["json", "proto"]);
          const lines = `content-type: application/${type}\r\ncontent-encoding: ${encoding}\r\n`;
          const head = request(target, `${lines}content-length: ${body.length}\r\n`);
          await connection.send(Buffer.concat([head, body]));
          if (target.chance.chance(0.5)) await connection.next(2000);
        }),
      ),
  },
  {
    ...{ name: "http-noise", port: "http", what: "noise, broken requests, lengths that contradict each other" },
    round: (target) => {
      const { chance } = target;
      return each(target, 60, () =>
        chance.pick([
          () => junk(target, chance.whole(1, 4096)),
          () => request(target, JSON_TYPE + chance.pick(SMUGGLED), "4\r\n{}{}\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n"),
          () => request(target, `x-huge: ${"h".repeat(100_000)}\r\n`),
          () => request(target, Array.from({ length: 5000 }, (_, i) => `x-${i}: v\r\n`).join("")),
          () => sized(target, claim(target)).subarray(0, chance.whole(1, 200)),
        ])(),
      );
    },
  },
  {
    ...{ name: "http-pipeline", port: "http", what: "hundreds of requests behind each other, and no answer is read" },
    round: (target) =>
      atOnce(4, () =>
        onConnection(target, async (connection) => {
          connection.stopReading();
          const all = pour(target, connection, 20, () =>
            Buffer.concat(Array.from({ length: 50 }, () => sized(target, claim(target)))),
          );
          await Promise.race([all, connection.next(2000)]);
          connection.break();
        }),
      ),
  },
  {
    ...{ name: "http-chunks", port: "http", what: "bodies in chunks of a byte, with extensions, without end" },
    round: (target) =>
      atOnce(20, () =>
        onConnection(target, async (connection) => {
          await connection.send(request(target, `${JSON_TYPE}transfer-encoding: chunked\r\n`));
          const chunk = Buffer.from(`1;${"x".repeat(200)}\r\n{\r\n`);
          await pour(target, connection, 50, () => Buffer.concat(Array.from({ length: 20 }, () => chunk)));
          await connection.next(50);
        }),
      ),
  },
  {
    ...{ name: "http-slowloris", port: "http", what: "a byte at a time, on hundreds of connections" },
    round: (target) =>
      atOnce(200, () =>
        onConnection(target, async (connection) => {
          const whole = sized(target, claim(target));
          const start = target.chance.whole(0, whole.length - 12);
          await connection.send(whole.subarray(0, start));
          for (let at = start; at < start + 10 && connection.isOpen; at++) {
            await connection.send(whole.subarray(at, at + 1));
            await connection.next(150);
          }
        }),
      ),
  },
  {
    ...{ name: "http-connections", port: "http", what: "connections that are opened and broken, some with requests" },
    round: (target) =>
      atOnce(300, () =>
        onConnection(target, async (connection) => {
          if (target.chance.chance(0.5)) await connection.send(sized(target, claim(target)));
          if (target.chance.chance(0.5)) connection.break();
        }),
      ),
  },
];
