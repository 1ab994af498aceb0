import { readFile } from "node:fs/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { SESSION_MESSAGE_BYTES_MAX } from "../../../src/server/limits.ts";
import { envelope } from "./answer.ts";
import { callHeaders, frame, headerFrames, isDecided, OPENED, provoke } from "./frames.ts";
import { row } from "./rows.ts";
import { seededBytes } from "./seeded-bytes.ts";
import {
  CANARY,
  call,
  FIELD_INVALID,
  generic,
  lives,
  livesOn,
  type Refusal,
  readRefusal,
  refuses,
  useStand,
} from "./stand.ts";
import { BINARY_WIRES, encode, type Method, utf8, WIRE_NAMES, type WireName } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

const METHODS: readonly Method[] = [
  generic(method.claim),
  generic(method.heartbeat),
  generic(method.complete),
  generic(method.fail),
  generic(method.getRecord),
  generic(method.resolveTenant),
];
/** Calls that sessions carry, in messages with room for what is around them. */
const CARRIED: ReadonlySet<string> = new Set(["Claim", "Heartbeat", "Complete", "Fail"]);
const largest = (name: WireName, rpc: Method) =>
  name === "Session" && CARRIED.has(rpc.name) ? SESSION_MESSAGE_BYTES_MAX : 1.25 * MIB;
const TOO_LARGE: Refusal = { code: "RESOURCE_EXHAUSTED" };
const MIB = 1 << 20;
const CLAIM_PATH = "/holdfast.v1.IdempotencyService/Claim";

describe.each(WIRE_NAMES)("%s", (name) => {
  test(`${row(2)}`, async () => {
    const wire = stand.wires[name];
    for (const rpc of METHODS) await refuses(stand, wire, rpc, Buffer.alloc(largest(name, rpc) + 1, CANARY), TOO_LARGE);
    await refuses(stand, wire, generic(method.claim), Buffer.alloc(8 * MIB, CANARY), TOO_LARGE);
  });

  const tenant = { selector: { case: "tenantId", value: "default" } } as const;

  test(`${row(7)} are ignored or refused`, async () => {
    const wire = stand.wires[name];
    const request = encode(wire, method.resolveTenant, tenant);
    if (wire.format === "json") {
      const names = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x${i}`, 1]));
      await refuses(stand, wire, generic(method.resolveTenant), utf8(JSON.stringify(names)), FIELD_INVALID());
    } else {
      const unknown = Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.of(0xc0, 0x3e, 1)));
      const { code } = await wire.send(generic(method.resolveTenant), Buffer.concat([request, unknown]));
      expect(code).toBe("OK");
      await lives(wire);
    }
  });

  test(`${row(8)} overflow no stack`, async () => {
    const wire = stand.wires[name];
    if (wire.format === "json") {
      for (const depth of [10_000, 500_000]) {
        const nested = utf8(`{"${CANARY}":${"[".repeat(depth)}${"]".repeat(depth)}}`);
        await refuses(stand, wire, generic(method.resolveTenant), nested, FIELD_INVALID());
        const details = `${'{"@type":"type.googleapis.com/google.protobuf.ListValue","value":'}${"[".repeat(depth)}${"]".repeat(depth)}}`;
        const fail = utf8(`{"error":{"details":[${details}]}}`);
        await refuses(stand, wire, generic(method.fail), fail, FIELD_INVALID());
      }
    } else {
      const groups = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x7b), Buffer.alloc(depth, 0x7c)]);
      for (const nested of [groups(10_000), groups(500_000), Buffer.alloc(MIB, 0x7b)]) {
        await refuses(stand, wire, generic(method.resolveTenant), nested, FIELD_INVALID());
      }
      const lengths = nestedLengths(10_000);
      const request = Buffer.concat([encode(wire, method.resolveTenant, tenant), lengths]);
      expect((await wire.send(generic(method.resolveTenant), request)).code).toBe("OK");
      await refuses(stand, wire, generic(method.claim), lengths, FIELD_INVALID("key", "claim_id"));
    }
  });
});

/** Length-delimited fields of an unknown number, each inside the last. */
function nestedLengths(depth: number): Buffer {
  const heads: Buffer[] = [];
  for (let length = 0, level = 0; level < depth; level++) {
    const head = Buffer.of(0xc2, 0x3e, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}

test.each(["application/json", "application/proto", "application/grpc-web+proto"])(
  `${row(2)}, whose length is not known before: %s`,
  async (type) => {
    // Three MiB in chunks, and behind them another request: the connection is not lost with the first.
    const message = Buffer.alloc(3 * MIB, 1);
    const body = type.includes("web") ? envelope(message) : message;
    const chunks = Array.from({ length: 24 }, (_, i) =>
      body.subarray((i * body.length) / 24, ((i + 1) * body.length) / 24),
    );
    const chunked = chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from("\r\n"),
    ]);
    const head = `POST ${CLAIM_PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const next = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    const sent = Buffer.concat([Buffer.from(head), ...chunked, Buffer.from(`0\r\n\r\n${next}`)]);
    const { bytes } = await provoke(stand.server.http, sent);
    expect(bytes.toString("latin1")).toMatch(/^HTTP\/1\.1 429 |grpc-status: 8/);
    expect(bytes.toString("latin1")).toContain('{"live":true}');
  },
);

describe.each(BINARY_WIRES)("%s", (name) => {
  test(`${row(5)} are FIELD_INVALID, whichever they are`, async () => {
    const wire = stand.wires[name];
    for (let seed = 1; seed <= 300; seed++) {
      const rpc = METHODS[seed % METHODS.length] ?? generic(method.claim);
      const answer = await wire.send(rpc, seededBytes(100, seed));
      expect({ seed, ...readRefusal(answer) }).toMatchObject({
        seed,
        code: "INVALID_ARGUMENT",
        reason: "FIELD_INVALID",
      });
    }
    await lives(wire);
  });
});

test(`${row(10)} stay names: in a map they are kept, elsewhere refused`, async () => {
  const json = stand.wires["Connect JSON"];
  const words = ["__proto__", "constructor", "prototype", "toString"];
  const metadata = `{${words.map((word) => `"${word}":"x"`).join()}}`;
  const claim = `{"key":{"scope":"s","key":"words"},"claim_id":"0123456789abcdef","metadata":${metadata}}`;
  const { code } = await json.send(generic(method.claim), utf8(claim));
  expect(code).toBe("OK");
  for (const name of WIRE_NAMES) {
    const { record } = await call(stand.wires[name], method.getRecord, { key: { scope: "s", key: "words" } });
    expect(Object.entries(record?.metadata ?? {}).sort()).toEqual(words.toSorted().map((word) => [word, "x"]));
  }
  for (const word of words) {
    for (const value of [`{"${CANARY}":1}`, "null", '"x"']) {
      const anywhere = [`{"${word}":${value}}`, `{"key":{"${word}":${value}}}`];
      for (const request of anywhere) {
        const answer = await json.send(generic(method.claim), utf8(request));
        expect(readRefusal(answer)).toMatchObject({ code: "INVALID_ARGUMENT", reason: "FIELD_INVALID" });
        expect(answer.received).not.toContain(CANARY);
      }
    }
  }
});

/** A gzip file may have many members; these are a MiB of zeros each. */
const GZIP_BOMB = Buffer.concat(Array.from({ length: 1024 }, () => gzipSync(Buffer.alloc(MIB), { level: 9 })));

describe(row(11), () => {
  const bombs: readonly (readonly [WireName, string, string, () => Buffer])[] = [
    ["gRPC", "grpc-encoding", "gzip", () => GZIP_BOMB],
    ["gRPC", "grpc-encoding", "gzip", () => gzipSync(Buffer.alloc(64 * MIB))],
    ["gRPC", "grpc-encoding", "deflate", () => deflateSync(Buffer.alloc(64 * MIB))],
    ["Connect JSON", "content-encoding", "gzip", () => GZIP_BOMB],
    ["Connect JSON", "content-encoding", "br", () => brotliCompressSync(Buffer.alloc(64 * MIB), { params: { 1: 1 } })],
    ["Connect binary", "content-encoding", "gzip", () => GZIP_BOMB],
    ["gRPC-Web", "grpc-encoding", "gzip", () => GZIP_BOMB],
  ];

  test.each(bombs)("%s, %s: %s is RESOURCE_EXHAUSTED, and is not unpacked", async (name, header, encoding, bomb) => {
    const packed = bomb();
    expect(packed.length).toBeLessThan(1.25 * MIB);
    await refuses(stand, stand.wires[name], generic(method.claim), packed, TOO_LARGE, { [header]: encoding });
    // A server that is idle has 100 MiB; one that had unpacked a GiB would have had ten times as much.
    expect(await peakMiB(stand.server.pid)).toBeLessThan(500);
  });

  const spoilt: readonly (readonly [WireName, string])[] = [
    ["gRPC", "grpc-encoding"],
    ["Connect JSON", "content-encoding"],
    ["Connect binary", "content-encoding"],
    ["gRPC-Web", "grpc-encoding"],
  ];
  test.each(spoilt)("%s: a body that cannot be unpacked is refused", async (name, header) => {
    const wire = stand.wires[name];
    const broken = [Buffer.from(CANARY), gzipSync(CANARY).subarray(0, 12), Buffer.alloc(0)];
    for (const body of broken) {
      const answer = await wire.send(generic(method.claim), body, { [header]: "gzip" });
      // INTERNAL would be the word of the libraries for it.
      expect(["INVALID_ARGUMENT", "UNIMPLEMENTED"]).toContain(answer.code);
      expect(answer.received).not.toContain(CANARY);
      await lives(wire);
    }
  });
});

async function peakMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "VmHWM: 0 kB");
  return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024;
}

describe(row(4), () => {
  test("gRPC-Web: a message that ends before its announced length is FIELD_INVALID", async () => {
    for (const body of [
      Buffer.of(0, 0, 0, 0, 9, 1),
      Buffer.of(0, 0, 0),
      Buffer.alloc(0),
      Buffer.of(0, 255, 255, 255, 255),
    ]) {
      const headers = { "content-type": "application/grpc-web+proto" };
      const response = await fetch(stand.server.http + CLAIM_PATH, { method: "POST", headers, body });
      const code = response.headers.get("grpc-status") ?? /grpc-status: (\d+)/.exec(await response.text())?.[1];
      // Nothing at all is UNIMPLEMENTED there: a message is missing.
      expect(["3", "8", "12"]).toContain(code);
    }
  });

  test("gRPC: a message that ends before its announced length is refused", async () => {
    const { grpc } = stand.server;
    for (const body of [
      Buffer.of(0, 0, 0, 0, 9, 1),
      Buffer.of(0, 0, 0),
      Buffer.alloc(0),
      envelope(Buffer.of(1)).fill(255, 1, 5),
    ]) {
      const data = frame(0, 1, 1, body);
      const sent = Buffer.concat([OPENED, headerFrames(1, callHeaders(CLAIM_PATH), { endStream: false }), data]);
      const { frames, bytes } = await provoke(grpc, sent, isDecided);
      expect(frames.some(({ stream }) => stream === 1)).toBe(true);
      expect(bytes.toString("latin1")).not.toContain(CANARY);
    }
    await lives(stand.wires.gRPC);
  });
});

livesOn(stand);
