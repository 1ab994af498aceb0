import { constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { SessionGoodbye_Reason } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { REQUEST_MS_MAX, SLOW_READER_MS } from "../../../src/server/limits.ts";
import { WIRES } from "../../support/tls.ts";
import { acquire, KEY, methods, resultOf, seconds } from "../rpc/bundle.ts";
import { answerAs, claim } from "../rpc/session-stand.ts";
import { encode, openSessionServer, openWireSession, type SessionServer } from "./session-wire.ts";

const fresh = (id: number) => ({ id: BigInt(id), call: claim({ key: { ...KEY, key: `key-${id}` } }) });
/** A message as it comes, said to be compressed. */
const packed = (message: Buffer) =>
  Buffer.concat([Buffer.from([1, 0, 0]), Buffer.from([message.length >> 8, message.length]), message]);
const several = (count: number) => Array.from({ length: count }, (_, i) => fresh(i + 1));

/** Looks until it holds; what is waited for happens between two sockets of this process. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const ofSession = ({ own }: SessionServer) => own.observed.handledCalls.filter(({ method }) => method === "Session");
const claimsOf = ({ own }: SessionServer) => own.observed.startedMethods.filter((name) => name === "Claim").length;

describe.each(WIRES)("a session over $wire", ({ tls }) => {
  test("answers what comes together and what comes byte by byte, and ends with OK when its client has half-closed", async () => {
    using server = await openSessionServer({ tls });
    const session = openWireSession(server.connect());
    session.send(...several(20));
    await session.until(21);
    for (const byte of encode(fresh(50))) session.stream.write(Buffer.from([byte]));
    session.stream.end();
    await session.closed;
    const [hello, ...answers] = session.received;
    expect(hello?.answer.case).toBe("hello");
    expect(answers.map(({ id }) => Number(id))).toEqual([...several(20).map((_, i) => i + 1), 50]);
    expect(answers.map(({ answer }) => answer.case)).toEqual(answers.map(() => "claim"));
    expect(session.status()).toBe(0);
    expect(ofSession(server)).toMatchObject([{ code: Code.OK }]);
  });

  test("answers each call for itself, whatever was sent in the same memory before", async () => {
    using server = await openSessionServer({ tls });
    const session = openWireSession(server.connect(20_000));
    for (let round = 0; round < 20; round++) {
      session.send(...Array.from({ length: 80 }, (_, i) => fresh(round * 80 + i + 1)));
      await session.until(1 + (round + 1) * 80);
    }
    for (const { id, answer } of session.received.slice(1)) {
      const { detail } = answerAs(answer, "claim");
      const key = detail.case === "acquired" ? detail.value.lease?.handle?.key?.key : undefined;
      expect(key).toBe(`key-${id}`);
    }
  });

  test("of a client that does not read is read no further than calls may be open, and is closed after 30 s", async () => {
    using server = await openSessionServer({ tls, callsMax: 4 });
    const session = openWireSession(server.connect(0));
    session.send(...several(500));
    await until(() => claimsOf(server) === 9);
    await server.clock.advance(SLOW_READER_MS - 1);
    expect(claimsOf(server)).toBe(9);
    expect(session.stream.closed).toBe(false);
    await server.clock.advance(1001);
    await session.closed;
    expect(session.stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(claimsOf(server)).toBe(9);
    expect(ofSession(server)).toMatchObject([{ code: Code.RESOURCE_EXHAUSTED }]);
  });

  test("of a client that keeps exactly to Hello is never held up, however its answers come", async () => {
    using server = await openSessionServer({ tls, callsMax: 40, requestBytesMax: 40 * encode(fresh(9999)).length });
    const session = openWireSession(server.connect(7000));
    await session.until(1);
    const [hello] = session.received;
    const callsMax = hello?.answer.case === "hello" ? hello.answer.value.callsMax : 0;
    let sent = 0;
    const fill = () => {
      const room = callsMax - (sent - (session.received.length - 1));
      if (sent < 4000 && room > 0) session.send(...Array.from({ length: room }, () => fresh(++sent)));
    };
    fill();
    session.stream.on("data", fill);
    await session.until(4001);
    expect(server.pauses()).toBe(0);
  });

  test("goes on where it stood when its client reads again", async () => {
    using server = await openSessionServer({ tls, callsMax: 4 });
    const session = openWireSession(server.connect(0));
    session.send(...several(30));
    session.stream.end();
    await until(() => claimsOf(server) === 9);
    session.stream.session?.settings({ initialWindowSize: 1_000_000 });
    await session.closed;
    expect(session.received).toHaveLength(31);
    expect(session.status()).toBe(0);
  });
});

describe("a session", () => {
  test("may be quiet for as long as it likes, but not within a message", async () => {
    using server = await openSessionServer();
    const session = openWireSession(server.connect());
    session.send(fresh(1));
    await session.until(2);
    await server.clock.advance(10 * REQUEST_MS_MAX);
    expect(session.stream.closed).toBe(false);
    const before = claimsOf(server);
    session.stream.write(Buffer.concat([encode(fresh(2)), encode(fresh(3)).subarray(0, 20)]));
    await until(() => claimsOf(server) === before + 1);
    await server.clock.advance(REQUEST_MS_MAX - 1000);
    expect(session.stream.closed).toBe(false);
    await server.clock.advance(2001);
    await session.closed;
    expect(session.stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(ofSession(server)).toMatchObject([{ code: Code.CANCELLED }]);
  });

  test("ends with INVALID_ARGUMENT and why, when what comes is no session", async () => {
    using server = await openSessionServer();
    const session = openWireSession(server.connect());
    session.send({ id: 0n, call: claim() });
    await session.ended;
    expect(session.status()).toBe(Code.INVALID_ARGUMENT);
    expect(session.message()).toBe("id must be 1 or more");
  });

  test.each([
    ["no message", Buffer.from([7, 0, 0, 0, 1, 0]), "are no gRPC messages"],
    ["a message that is not finished", Buffer.from([0, 0, 0, 0, 9, 1]), "the last message of the stream was cut off"],
  ])("ends with INVALID_ARGUMENT by %s", async (_what, bytes, words) => {
    using server = await openSessionServer();
    const session = openWireSession(server.connect());
    session.stream.end(bytes);
    await session.closed;
    expect(session.status()).toBe(Code.INVALID_ARGUMENT);
    expect(session.message()).toContain(words);
  });

  test.each([
    ["as it comes", Buffer.from([0, 0, 0x20, 0, 0]), {}],
    ["once it is unpacked", packed(gzipSync(Buffer.alloc(2 ** 21))), { "grpc-encoding": "gzip" }],
  ])(
    "ends with RESOURCE_EXHAUSTED, as a unary call does, by a message that is too large %s",
    async (_, bytes, head) => {
      using server = await openSessionServer();
      const session = openWireSession(server.connect(), head);
      session.stream.end(bytes);
      await session.closed;
      expect(session.status()).toBe(Code.RESOURCE_EXHAUSTED);
      expect(session.message()).toBe("a message of the stream must be at most 1311744 bytes");
      expect(ofSession(server)).toMatchObject([{ code: Code.RESOURCE_EXHAUSTED }]);
    },
  );

  test("ends with DEADLINE_EXCEEDED at the deadline of its stream, and with INVALID_ARGUMENT if that is none", async () => {
    using server = await openSessionServer();
    const connection = server.connect();
    const late = openWireSession(connection, { "grpc-timeout": "100m" });
    const wrong = openWireSession(connection, { "grpc-timeout": "soon" });
    await Promise.all([late.ended, wrong.ended]);
    expect([late.status(), wrong.status()]).toEqual([Code.DEADLINE_EXCEEDED, Code.INVALID_ARGUMENT]);
    expect(wrong.message()).toContain("grpc-timeout");
  });

  test("lets go of the claims that wait when its client cancels it", async () => {
    using server = await openSessionServer();
    const holder = await acquire(server.own);
    const session = openWireSession(server.connect());
    session.send({ id: 1n, call: claim({ wait: seconds(50) }) });
    const record = async () => (await server.own.call(methods.getRecord, { key: KEY })).record;
    while (!(await record())?.hasWaiters) await new Promise((resolve) => setImmediate(resolve));
    session.stream.close(constants.NGHTTP2_CANCEL);
    await until(() => ofSession(server).length === 1);
    expect(ofSession(server)).toMatchObject([{ code: Code.CANCELLED }]);
    await server.own.call(methods.complete, { handle: holder.handle, result: resultOf("done") });
    await until(() => server.own.observed.handledCalls.some(({ code, method }) => method === "Claim" && code !== 0));
  });

  test("sends a large answer when there is room for it, and small ones before it", async () => {
    using server = await openSessionServer();
    const { handle } = await acquire(server.own);
    await server.own.call(methods.complete, { handle, result: resultOf("x".repeat(100_000)) });
    const other = server.fill();
    const session = openWireSession(server.connect());
    session.send({ id: 1n, call: claim() }, fresh(2));
    await session.until(2);
    expect(session.received.map(({ id }) => Number(id))).toEqual([0, 2]);
    other.leave();
    await session.until(3);
    expect(session.received[2]).toMatchObject({ id: 1n, answer: { value: { detail: { case: "completed" } } } });
    const again = server.fill() as ReturnType<SessionServer["fill"]> & { readonly entered: Promise<boolean> };
    expect(await again.entered).toBe(true);
  });

  test("says goodbye when the server closes, and ends also if its client never half-closes", async () => {
    using server = await openSessionServer();
    const session = openWireSession(server.connect());
    session.send(fresh(1));
    await session.until(2);
    const closed = server.grpc.close();
    await session.ended;
    const { answer } = session.received.at(-1) ?? {};
    expect(answer).toMatchObject({ case: "goodbye", value: { reason: SessionGoodbye_Reason.DRAINING } });
    expect(session.status()).toBe(0);
    await server.clock.advance(3000);
    await Promise.all([closed, session.closed]);
    expect(session.stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test("says goodbye when its connection has reached its age", async () => {
    using server = await openSessionServer({ maxConnectionAgeMs: 5000 });
    const session = openWireSession(server.connect());
    session.send(fresh(1));
    await session.until(2);
    await server.clock.advance(7000);
    await session.ended;
    const { answer } = session.received.at(-1) ?? {};
    expect(answer).toMatchObject({ case: "goodbye", value: { reason: SessionGoodbye_Reason.MAX_AGE } });
    expect(session.status()).toBe(0);
  });
});
