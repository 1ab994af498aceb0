import { readFile } from "node:fs/promises";
import { connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { envelope } from "./answer.ts";
import { row } from "./rows.ts";
import { CANARY, FIELD_INVALID, generic, lives, livesOn, readRefusal, refuses, useStand } from "./stand.ts";
import { encode, type Headers, pathOf, WIRES, type WireName } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();
const CLAIM = generic(method.claim);
const MIB = 1 << 20;

/** What libraries answer by themselves, and would answer wrongly or do too much for. */
const PACKED: readonly (readonly [WireName, Headers])[] = [
  ["gRPC", { "grpc-encoding": "gzip" }],
  ["gRPC-Web", { "grpc-encoding": "gzip" }],
  ["Connect JSON", { "content-encoding": "gzip" }],
  ["Connect binary", { "content-encoding": "gzip" }],
];

describe.each(PACKED)("%s", (name, headers) => {
  test(`${row(11)}, or to just what is allowed, hundreds at once: they take turns, and memory stays`, async () => {
    const wire = stand.wires[name];
    const packed = gzipSync(Buffer.alloc(1.2 * MIB));
    expect(packed.length).toBeLessThan(2000);
    // On the HTTP port a connection has one call at a time.
    const wires = name === "gRPC" ? [wire] : Array.from({ length: 300 }, () => WIRES[name](stand.server));
    const sent = Array.from({ length: 300 }, (_, i) => wires[i % wires.length]?.send(CLAIM, packed, headers));
    const answers = (await Promise.all(sent)).filter((answer) => answer !== undefined);
    if (name !== "gRPC") for (const own of wires) own[Symbol.dispose]();
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(["INVALID_ARGUMENT"]));
    // All of them unpacked at a time would be 360 MiB, beside the hundred of a server that is idle.
    expect(await peakMiB(stand.server.pid)).toBeLessThan(400);
    await lives(wire);
  });

  test(`${row(11)}, or to a good claim: it is made`, async () => {
    const wire = stand.wires[name];
    const claim = encode(wire, method.claim, { key: newKey(), claimId: newClaimId() });
    expect((await wire.send(CLAIM, gzipSync(claim), headers)).code).toBe("OK");
  });

  test(`${row(11)}, or to nothing that it should: it is refused as what cannot be decoded is`, async () => {
    const wire = stand.wires[name];
    for (const body of [Buffer.from(CANARY), gzipSync(CANARY).subarray(0, 12), gzipSync(CANARY.repeat(9))]) {
      await refuses(stand, wire, CLAIM, body, FIELD_INVALID(), headers);
    }
  });
});

describe("gRPC", () => {
  const many = (message: Buffer) => Buffer.concat(Array.from({ length: 3000 }, () => message));

  test.each([
    ["empty", envelope(new Uint8Array()), {}],
    ["empty and said to be compressed", envelope(new Uint8Array(), 1), { "grpc-encoding": "gzip" }],
    ["compressed", envelope(gzipSync(Buffer.alloc(0)), 1), { "grpc-encoding": "gzip" }],
  ])(
    `${row(11)}, or three thousand messages that are %s in a call that takes one: the second ends it`,
    async (_, message, headers) => {
      const calls = Array.from({ length: 100 }, () => sendBody(pathOf(CLAIM), many(message), headers));
      expect(new Set(await Promise.all(calls))).toEqual(new Set(["12"]));
      expect(await peakMiB(stand.server.pid)).toBeLessThan(400);
      await lives(stand.wires.gRPC);
    },
  );

  test(`${row(11)}: reflection, whose calls have many messages, takes none that is compressed`, async () => {
    const path = pathOf(ServerReflection.method.serverReflectionInfo as never);
    const body = envelope(gzipSync(Buffer.of(0x3a, 0)), 1);
    expect(await sendBody(path, body, { "grpc-encoding": "gzip" })).toBe("12");
    expect(await sendBody(path, envelope(Buffer.of(0x3a, 0)), {})).toBe("0");
  });

  test(`${row(4)}: those that are compressed and never end hold nobody up`, async () => {
    const body = envelope(gzipSync(Buffer.alloc(MIB)), 1);
    for (let i = 0; i < 50; i++) void sendBody(pathOf(CLAIM), body, { "grpc-encoding": "gzip" }, false);
    const wire = WIRES.gRPC(stand.server);
    const claim = encode(wire, method.claim, { key: newKey(), claimId: newClaimId() });
    expect((await wire.send(CLAIM, gzipSync(claim), { "grpc-encoding": "gzip" })).code).toBe("OK");
    wire[Symbol.dispose]();
  });
});

test.each<[WireName, Headers]>([
  ["gRPC", { "grpc-timeout": "0n" }],
  ["gRPC-Web", { "grpc-timeout": "0n" }],
  ["Connect JSON", { "connect-timeout-ms": "0" }],
  ["Connect binary", { "connect-timeout-ms": "0" }],
])(
  `${row(16)}, %s: without any time what cannot be decoded is no INTERNAL, and is not quoted`,
  async (name, headers) => {
    const wire = stand.wires[name];
    for (const body of [Buffer.from(CANARY), Buffer.of(0x0a, 0xff), Buffer.of(0x22, 2, 8)]) {
      const answer = await wire.send(CLAIM, body, headers);
      expect(["DEADLINE_EXCEEDED", "INVALID_ARGUMENT"]).toContain(readRefusal(answer).code);
      expect(answer.received).not.toMatch(/premature|varint|JSON|field no/);
      expect(answer.received).not.toContain(CANARY);
    }
    await lives(wire);
  },
);

livesOn(stand);

/** Its grpc-status; "none" if there was none. */
function sendBody(path: string, body: Buffer, headers: Headers, ends = true): Promise<string> {
  const session = connect(`http://${stand.server.grpc}`);
  const stream = session.request({
    ...{ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers },
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  let status = "none";
  const note = (head: Readonly<Record<string, unknown>>) => {
    status = String(head["grpc-status"] ?? status);
  };
  stream.on("error", () => undefined);
  stream.on("response", note);
  stream.on("trailers", note);
  stream.resume();
  stream.on("close", () => {
    session.destroy();
    resolve(status);
  });
  stream.write(body);
  if (ends) stream.end();
  return promise;
}

async function peakMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "VmHWM: 0 kB");
  return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024;
}
