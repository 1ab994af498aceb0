import { Writable } from "node:stream";
import { create, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { type SessionResponse, SessionResponseSchema } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { directWrites } from "../../../../src/client/session/direct-writes.ts";
import { openStream } from "../../../../src/client/session/stream.ts";
import { decodeAnswer, SESSION_PATH } from "../../../../src/client/session/wire.ts";
import { settle } from "../manual-clock.ts";
import { serve } from "./stand.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A call of grpc-js as far as its layers go, over a stream that takes what the test lets it take. */
function layered() {
  const written: Buffer[] = [];
  let taken = () => {};
  let drains = 0;
  const stream = new Writable({
    highWaterMark: 100,
    write(chunk: Buffer, _, callback) {
      written.push(chunk);
      taken = callback;
    },
  });
  const http2Stream = Object.assign(stream, { rstCode: 0 });
  const child = { committedCallIndex: 0, underlyingCalls: [{ call: { child: { http2Stream } } }] };
  const direct = directWrites({ call: { call: { child } } }, () => drains++);
  if (direct === null) throw new Error("no stream was found");
  return { direct, stream, written, take: () => taken(), drains: () => drains };
}

const message = (text: string) => new TextEncoder().encode(text);

describe("direct writes", () => {
  test("find the HTTP/2 stream that grpc-js keeps under a call, once a message has come", async () => {
    const { address } = await serve(cleanups);
    const client = new Client(address, credentials.createInsecure());
    cleanups.push(() => client.close());
    const call = client.makeBidiStreamRequest<Buffer, SessionResponse>(
      SESSION_PATH,
      (bytes) => bytes,
      decodeAnswer,
      new Metadata(),
    );
    expect(directWrites(call, () => {})).toBe(null);
    await new Promise((resolve) => call.once("data", resolve));
    expect(directWrites(call, () => {})).not.toBe(null);
    call.end();
    await new Promise((resolve) => call.once("status", resolve));
  });

  test("are none where grpc-js keeps it elsewhere", () => {
    expect([{}, { call: {} }, { call: { call: { child: null } } }].map((call) => directWrites(call, () => {}))).toEqual(
      Array(3).fill(null),
    );
  });

  test("put the messages of one turn into one write, each framed", async () => {
    const { direct, written } = layered();
    expect([direct.write(message("one")), direct.write(message("")), direct.write(message("three"))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(written).toEqual([]);
    await settle();
    expect(written.map(String)).toEqual(["\0\0\0\0\x03one\0\0\0\0\0\0\0\0\0\x05three"]);
  });

  test("ask to wait while the stream takes no more, and tell when it does again", async () => {
    const { direct, take, drains } = layered();
    expect(direct.write(new Uint8Array(200))).toBe(true);
    await settle();
    expect(direct.write(message("next"))).toBe(false);
    expect(drains()).toBe(0);
    take();
    await settle();
    expect(drains()).toBe(1);
    take();
    await settle();
    expect(drains()).toBe(1);
  });

  test("ask to wait when much is gathered in one turn", async () => {
    const { direct, written, drains, take } = layered();
    expect(direct.write(new Uint8Array(70_000))).toBe(false);
    await settle();
    expect([written.length, drains()]).toEqual([1, 0]);
    take();
    await settle();
    expect(drains()).toBe(1);
  });

  test("go out before the stream is half-closed, and not at all when it has ended", async () => {
    const { direct, stream, written, take } = layered();
    direct.write(message("last"));
    direct.flush();
    stream.end();
    expect(written).toHaveLength(1);
    take();
    direct.write(message("late"));
    await settle();
    expect(written).toHaveLength(1);
  });
});

test("a stream whose HTTP/2 stream is not found is written to as grpc-js has it", () => {
  const listeners = new Map<string, (message?: unknown) => void>();
  const done: unknown[] = [];
  const call = {
    on: (name: string, listener: () => void) => listeners.set(name, listener),
    once: (name: string, listener: () => void) => listeners.set(`${name} once`, listener),
    write: (bytes: Buffer) => done.push(bytes) > 1,
    end: () => done.push("end"),
    cancel: () => done.push("cancel"),
  };
  const client = { makeBidiStreamRequest: () => call } as unknown as Client;
  const seen: unknown[] = [];
  const stream = openStream(client, new Metadata(), {
    onMessage: (told) => seen.push(told),
    onDrain: () => seen.push("drain"),
    onEnd: (error) => seen.push(error),
  });
  const hello = decodeAnswer(Buffer.from(toBinary(SessionResponseSchema, create(SessionResponseSchema))));
  listeners.get("data once")?.();
  listeners.get("data")?.(hello);
  const bytes = Buffer.from("call");
  expect([stream.write(bytes), stream.write(bytes)]).toEqual([false, true]);
  listeners.get("drain")?.();
  stream.halfClose();
  stream.cancel();
  listeners.get("status")?.();
  expect(seen).toEqual([hello, "drain", null]);
  expect(done).toEqual([bytes, bytes, "end", "cancel"]);
});
