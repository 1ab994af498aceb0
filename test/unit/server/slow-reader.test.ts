import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { create, type Message } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import {
  GetRecordResponseSchema,
  IdempotencyService,
  WaitForResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { serveGrpc } from "../../../src/server/grpc.ts";
import { serveHttp } from "../../../src/server/http.ts";
import { createHttpRpc } from "../../../src/server/http-rpc.ts";
import { REQUEST_CHECK_MS, ROOM, SLOW_READER_MS } from "../../../src/server/limits.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { createRoom } from "../../../src/server/room.ts";
import { pathOf } from "../../../src/server/service-definition.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { connectSocket, WIRES } from "../../support/tls.ts";
import { createManualClock } from "../store/manual-clock.ts";

const anyPort = { host: "127.0.0.1", port: 0 };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

describe.each(WIRES)("over $wire", ({ tls }) => {
  /** A stream without an end that tells how it was made to end, and how many messages it was asked for. */
  function endless(bytes: number) {
    const clock = createManualClock();
    const ended = Promise.withResolvers<unknown>();
    let made = 0;
    async function* call(): AsyncGenerator<Message> {
      try {
        for (;;) {
          made++;
          yield create(WaitForResponseSchema, { event: { case: "progress", value: { message: "x".repeat(bytes) } } });
        }
      } catch (error) {
        ended.resolve(error);
        throw error;
      } finally {
        ended.resolve("left");
      }
    }
    const endpoint = {
      kind: "server_streaming",
      method: IdempotencyService.method.waitFor,
      call,
    } as unknown as Endpoint;
    return { clock, endpoint, ended: ended.promise, made: () => made };
  }

  type Source = ReturnType<typeof endless>;

  /** Its window is closed from the start, or as wide as it is by default. */
  async function readOverGrpc({ endpoint, clock }: Pick<Source, "endpoint" | "clock">, initialWindowSize = 65_535) {
    const settings = {
      clock,
      log: silentLog,
      maxConnectionAgeMs: 3_600_000,
      maxConcurrentStreams: 100,
      room: createRoom(ROOM),
      tls,
    };
    const server = await serveGrpc(anyPort, { endpoints: [endpoint], ...settings });
    opened.push(() => server.destroy());
    const session = connectHttp2(`${tls ? "https" : "http"}://127.0.0.1:${server.address.port}`, {
      settings: { initialWindowSize },
      ...(tls && { ca: tls.authority.caPem }),
    });
    opened.push(() => session.destroy());
    const headers = {
      ":method": "POST",
      ":path": pathOf(endpoint.method),
      "content-type": "application/grpc",
      te: "trailers",
    };
    const stream = session.request(headers).on("error", () => undefined);
    stream.end(Buffer.alloc(5));
    return stream;
  }

  async function readOverHttp({ endpoint, clock }: Source) {
    const rpc = createHttpRpc({ endpoints: [endpoint], clock, random: () => 0, room: createRoom(ROOM) });
    const metrics = createMetrics({ ofProcess: false });
    const readiness = createReadiness();
    const server = await serveHttp(anyPort, {
      ...{ metrics, readiness, log: silentLog },
      rpc: async () => rpc,
      waiting: () => "polling",
      tls,
      localOnly: true,
    });
    opened.push(() => server.destroy());
    const socket = (await connectSocket(server.address.port, tls)).on("error", () => undefined);
    opened.push(() => socket.destroy());
    const head = `POST ${pathOf(endpoint.method)} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/connect+proto\r\n`;
    socket.write(`${head}content-length: 5\r\n\r\n`);
    socket.write(Buffer.alloc(5));
    return socket;
  }

  /** The source is asked for no more, because a message is not taken. */
  async function untilStuck({ made, clock }: Source): Promise<number> {
    let before = 0;
    while (made() === 0 || made() !== before || clock.sleepers === 0) {
      before = made();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return before;
  }

  describe("over gRPC", () => {
    test("a reader whose window is closed is sent one message, and is let go after 30 s", async () => {
      const source = endless(10);
      const stream = await readOverGrpc(source, 0);
      expect(await untilStuck(source)).toBe(1);
      await source.clock.advance(SLOW_READER_MS - 1);
      expect(stream.closed).toBe(false);
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      await source.clock.advance(1);
      expect(await source.ended).toMatchObject({ code: "OVERLOADED" });
      await closed;
      expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });

    test("a reader has 30 s for each message anew", async () => {
      const source = endless(60_000);
      const stream = await readOverGrpc(source);
      for (let round = 0; round < 3; round++) {
        const stuck = await untilStuck(source);
        await source.clock.advance(SLOW_READER_MS - 1);
        // A window's worth, after which the next message is under way.
        while (source.made() === stuck) {
          if (stream.read() === null) await once(stream, "readable");
        }
      }
      expect(stream.closed).toBe(false);
    });

    test("a source that waits for its next event is left when the reader goes", async () => {
      const left = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      async function* call(_request: Message, { signal }: CallContext): AsyncGenerator<Message> {
        try {
          yield create(WaitForResponseSchema);
          asked.resolve();
          await once(signal, "abort");
          signal.throwIfAborted();
        } finally {
          left.resolve();
        }
      }
      const endpoint = { kind: "server_streaming", method: IdempotencyService.method.waitFor, call } as unknown;
      const clock = createManualClock();
      const stream = await readOverGrpc({ endpoint: endpoint as Endpoint, clock });
      await asked.promise;
      stream.close(constants.NGHTTP2_CANCEL);
      await left.promise;
    });
  });

  describe("an answer over gRPC", () => {
    async function answerToClosedWindow() {
      const clock = createManualClock();
      const called = Promise.withResolvers<void>();
      const { promise, resolve: answer } = Promise.withResolvers<Message>();
      const call = () => {
        called.resolve();
        return promise;
      };
      const endpoint = { kind: "unary", method: IdempotencyService.method.getRecord, call } as unknown as Endpoint;
      const stream = await readOverGrpc({ endpoint, clock }, 0);
      await called.promise;
      return { clock, stream, answer: () => answer(create(GetRecordResponseSchema, { record: { attempt: 1 } })) };
    }

    test("that is not read is let go, however late it comes", async () => {
      const { clock, stream, answer } = await answerToClosedWindow();
      await clock.advance(60_000);
      expect(stream.closed).toBe(false);
      answer();
      await once(stream, "response");
      await clock.advance(SLOW_READER_MS);
      expect(stream.closed).toBe(false);
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      await clock.advance(REQUEST_CHECK_MS);
      await closed;
      expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
  });

  describe("over HTTP", () => {
    test("a reader that reads nothing is let go after 30 s, when the kernel takes no more for it", async () => {
      const source = endless(1024 * 1024);
      const socket = await readOverHttp(source);
      const stuck = await untilStuck(source);
      expect(stuck).toBeLessThan(50);
      await source.clock.advance(SLOW_READER_MS - 1);
      expect(source.made()).toBe(stuck);
      await source.clock.advance(1);
      expect(await source.ended).toMatchObject({ code: "OVERLOADED" });
      const closed = once(socket, "close");
      socket.resume();
      await closed;
    });

    test("a reader that goes while its message is not taken has its source left", async () => {
      const source = endless(1024 * 1024);
      const socket = await readOverHttp(source);
      await untilStuck(source);
      socket.destroy();
      expect(await source.ended).toBe("left");
    });
  });
});
