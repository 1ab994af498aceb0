import type { ServerHttp2Stream } from "node:http2";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { SessionRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Incoming } from "../../../src/server/grpc-incoming.ts";
import type { Inflate } from "../../../src/server/grpc-inflate.ts";
import { KEY } from "../rpc/bundle.ts";
import { claim } from "../rpc/session-stand.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";
import { encode, openSessionServer, openWireSession, type RequestInit, type SessionServer } from "./session-wire.ts";

const fresh = (id: number) => ({ id: BigInt(id), call: claim({ key: { ...KEY, key: `key-${id}` } }) });

function compressed(message: RequestInit): Buffer {
  const bytes = gzipSync(toBinary(SessionRequestSchema, create(SessionRequestSchema, message)));
  const head = Buffer.from([1, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const claimsOf = ({ own }: SessionServer) => own.observed.startedMethods.filter((name) => name === "Claim").length;

describe("compressed messages of a session", () => {
  test("are read in their order among others, if the stream says how they are compressed", async () => {
    using server = await openSessionServer();
    const session = openWireSession(server.connect(), { "grpc-encoding": "gzip" });
    const pieces = [
      compressed(fresh(1)),
      encode(fresh(2)),
      compressed(fresh(3)),
      compressed(fresh(4)),
      encode(fresh(5)),
    ];
    session.stream.end(Buffer.concat(pieces));
    await session.closed;
    expect(session.received.map(({ id }) => Number(id))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(session.status()).toBe(0);
  });

  test.each([
    ["no encoding", {}],
    ["the encoding that is none", { "grpc-encoding": "identity" }],
    ["an encoding in a header of ours", { "holdfast-encoding": "gzip" }],
  ])("end a stream with %s with INVALID_ARGUMENT, and why", async (_what, headers) => {
    using server = await openSessionServer();
    const session = openWireSession(server.connect(), headers);
    session.stream.write(Buffer.concat([encode(fresh(1)), compressed(fresh(2)), encode(fresh(3))]));
    await session.ended;
    expect(session.status()).toBe(Code.INVALID_ARGUMENT);
    expect(session.message()).toBe(
      "a message of the stream is compressed, and the stream's grpc-encoding is neither gzip nor deflate",
    );
    expect(claimsOf(server)).toBe(1);
  });
});

/** Messages of these lengths, all there at once. */
function open(lengths: readonly number[], inflate: Inflate = async (message) => message) {
  const stream = new Readable({ read() {} });
  stream.on("data", () => undefined).pause();
  const turns: (() => void)[] = [];
  const turn = () => new Promise<void>((resolve) => turns.push(resolve));
  const read: number[] = [];
  const failures: unknown[] = [];
  const incoming = new Incoming({
    ...{ stream: stream as ServerHttp2Stream, clock: { ...createManualClock(), turn }, inflate },
    onMessage: (message) => void read.push(message.length),
    onEnd: () => undefined,
    onFailure: (error) => void failures.push(error),
  });
  stream.push(Buffer.concat(lengths.map((length) => framed(length))));
  incoming.resume();
  /** The rest of the process has had its turn. */
  const next = async () => {
    turns.shift()?.();
    await settled();
  };
  return { incoming, stream, read, failures, next };
}

function framed(length: number, flag = 0): Buffer {
  const message = Buffer.alloc(5 + length);
  message[0] = flag;
  message.writeUInt32BE(length, 1);
  return message;
}

describe("the rest of the process has its turn", () => {
  test.each([
    ["after so many small messages", Array.from({ length: 600 }, () => 2), [256, 512, 600]],
    ["after so many bytes of large ones", Array.from({ length: 15 }, () => 200_000), [6, 12, 15]],
  ])("%s of a session that are there at once", async (_what, lengths, reads) => {
    const { read, next } = open(lengths);
    await settled();
    const counts = [read.length];
    for (let turn = 1; turn < reads.length; turn++) {
      await next();
      counts.push(read.length);
    }
    expect(counts).toEqual(reads);
  });

  test("while a message is inflated, and what is behind it waits", async () => {
    const inflated = Promise.withResolvers<Buffer>();
    const { stream, read } = open([1], () => inflated.promise);
    stream.push(Buffer.concat([framed(10, 1), framed(2)]));
    await settled();
    expect(read).toEqual([1]);
    inflated.resolve(Buffer.alloc(1000));
    await settled();
    expect(read).toEqual([1, 1000, 2]);
  });
});

describe("a session that is over", () => {
  test("keeps nothing of the message that was on its way, and takes nothing any more", async () => {
    const { incoming, stream, read, failures } = open([1]);
    stream.push(framed(1_000_000).subarray(0, 10));
    await settled();
    expect(incoming.isAmid).toBe(true);
    incoming.stop();
    expect(incoming.isAmid).toBe(false);
    stream.push(framed(2));
    await settled();
    expect([read, failures]).toEqual([[1], []]);
    expect(stream.isPaused()).toBe(false);
  });

  test("delivers nothing that it was still inflating", async () => {
    const inflated = Promise.withResolvers<Buffer>();
    const { incoming, stream, read, failures } = open([1], () => inflated.promise);
    stream.push(framed(10, 1));
    await settled();
    incoming.stop();
    inflated.resolve(Buffer.alloc(1000));
    await settled();
    expect([read, failures]).toEqual([[1], []]);
  });
});
