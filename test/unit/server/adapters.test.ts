import { once } from "node:events";
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import {
  GetRecordRequestSchema,
  GetRecordResponseSchema,
  IdempotencyService,
  WaitForRequestSchema,
  WaitForResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock } from "../../../src/clock.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { type Listening, serveGrpc } from "../../../src/server/grpc.ts";
import { serveHttp } from "../../../src/server/http.ts";
import { createHttpRpc } from "../../../src/server/http-rpc.ts";
import { ROOM } from "../../../src/server/limits.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { createRoom } from "../../../src/server/room.ts";
import { type GrpcMethod, serviceDefinition } from "../../../src/server/service-definition.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { channelCredentialsTo, WIRES } from "../../support/tls.ts";

const { method } = IdempotencyService;
const anyPort = { host: "127.0.0.1", port: 0 };
const record = create(GetRecordResponseSchema);

type Unary = (request: Message, context: CallContext) => Promise<Message>;
type Streaming = (request: Message, context: CallContext) => AsyncIterable<Message>;

const unary = (call: Unary): Endpoint => ({ kind: "unary", method: method.getRecord, call: call as never });
const streaming = (call: Streaming): Endpoint => ({
  kind: "server_streaming",
  method: method.waitFor,
  call: call as never,
});

const opened: (() => void)[] = [];

afterEach(() => {
  for (const close of opened.splice(0)) close();
});

describe.each(WIRES)("over $wire", ({ tls }) => {
  async function overGrpc(endpoint: Endpoint) {
    const settings = {
      clock: systemClock,
      log: silentLog,
      maxConnectionAgeMs: 60_000,
      maxConcurrentStreams: 100,
      room: createRoom(ROOM),
      tls,
    };
    const server: Listening = await serveGrpc(anyPort, { endpoints: [endpoint], ...settings });
    const client = new grpc.Client(`127.0.0.1:${server.address.port}`, channelCredentialsTo(tls));
    opened.push(
      () => client.close(),
      () => server.destroy(),
    );
    const partsOf = ({ localName }: DescMethod) => serviceDefinition(IdempotencyService)[localName] as GrpcMethod;
    return {
      get(metadata = new grpc.Metadata(), options: grpc.CallOptions = {}) {
        const { path, requestSerialize, responseDeserialize } = partsOf(method.getRecord);
        const { promise, resolve, reject } = Promise.withResolvers<Message>();
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(GetRecordRequestSchema),
          metadata,
          options,
          (error, value) => (error === null ? resolve(value as Message) : reject(error)),
        );
        return { answer: promise, cancel: () => call.cancel() };
      },
      wait() {
        const { path, requestSerialize, responseDeserialize } = partsOf(method.waitFor);
        return client.makeServerStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(WaitForRequestSchema),
        );
      },
    };
  }

  async function overHttp(endpoint: Endpoint) {
    const rpc = createHttpRpc({ endpoints: [endpoint], clock: systemClock, random: () => 0, room: createRoom(ROOM) });
    const metrics = createMetrics({ ofProcess: false });
    const readiness = createReadiness();
    const server = await serveHttp(anyPort, {
      rpc: async () => rpc,
      metrics,
      readiness,
      waiting: () => "polling",
      log: silentLog,
      tls,
      localOnly: true,
    });
    opened.push(() => server.destroy());
    const baseUrl = `${tls ? "https" : "http"}://127.0.0.1:${server.address.port}`;
    return createClient(
      IdempotencyService,
      createConnectTransport({
        ...{ baseUrl, httpVersion: "1.1" },
        ...(tls && { nodeOptions: { ca: tls.authority.caPem } }),
      }),
    );
  }

  /** An endpoint that tells what it was called with, and answers when it is told to. */
  function held() {
    const called = Promise.withResolvers<CallContext>();
    const answer = Promise.withResolvers<Message>();
    const endpoint = unary((_request, context) => {
      called.resolve(context);
      return answer.promise;
    });
    return { endpoint, called: called.promise, answer: answer.resolve };
  }

  describe("a call over gRPC", () => {
    test("has no deadline unless the caller sets one, and then the caller's", async () => {
      const { endpoint, called, answer } = held();
      const client = await overGrpc(endpoint);
      const { answer: answered } = client.get();
      expect((await called).deadline).toBe(Number.POSITIVE_INFINITY);
      answer(record);
      await answered;

      const second = held();
      const { get } = await overGrpc(second.endpoint);
      const before = systemClock.monotonicMs();
      get(undefined, { deadline: Date.now() + 60_000 }).answer.catch(() => undefined);
      const { deadline } = await second.called;
      expect(deadline - before).toBeGreaterThan(55_000);
      expect(deadline - before).toBeLessThan(65_000);
    });

    test("passes the caller's metadata by lower-case name, and none of the server's own", async () => {
      const { endpoint, called } = held();
      const client = await overGrpc(endpoint);
      const metadata = new grpc.Metadata();
      metadata.set("Authorization", "Bearer x");
      metadata.set("holdfast-deadline", "0");
      client.get(metadata).answer.catch(() => undefined);
      const context = await called;
      expect(context.metadata("authorization")).toBe("Bearer x");
      expect(context.metadata("holdfast-deadline")).toBeUndefined();
      expect(context.metadata("absent")).toBeUndefined();
    });

    test("has one request id, and another one than the next call", async () => {
      const [first, second] = [held(), held()];
      for (const { endpoint } of [first, second]) (await overGrpc(endpoint)).get().answer.catch(() => undefined);
      const [a, b] = [await first.called, await second.called];
      expect(a.requestId).toBe(a.requestId);
      expect(a.requestId).not.toBe(b.requestId);
    });

    test("has its signal aborted with CANCELLED when the caller goes", async () => {
      const { endpoint, called } = held();
      const client = await overGrpc(endpoint);
      const { cancel, answer } = client.get();
      answer.catch(() => undefined);
      const { signal } = await called;
      cancel();
      if (!signal.aborted) await once(signal, "abort");
      expect(signal.reason).toMatchObject({ code: "CANCELLED" });
    });

    test("is answered INTERNAL, and told nothing, when something else than an RpcError comes out", async () => {
      const client = await overGrpc(unary(() => Promise.reject(new Error("secret"))));
      await expect(client.get().answer).rejects.toMatchObject({ code: 13, details: "internal error" });
    });

    test("is told a pause in RetryInfo and in the trailer that retrying clients read", async () => {
      const failing = unary(async (_request, context) => {
        throw toRpcError(new Fault("STORE_UNAVAILABLE", "down"), context, () => 0);
      });
      const error = await (await overGrpc(failing)).get().answer.catch((thrown: grpc.ServiceError) => thrown);
      const { metadata } = error as grpc.ServiceError;
      expect(metadata.get("grpc-retry-pushback-ms")).toEqual(["500"]);
      expect(metadata.get("grpc-status-details-bin")).toHaveLength(1);
    });

    test("is answered with a text that holds half a surrogate pair, which would otherwise never be sent", async () => {
      const failing = unary(async (_request, context) => {
        throw toRpcError(new Fault("INVALID_STATE", "odd \ud800"), context, () => 0);
      });
      await expect((await overGrpc(failing)).get().answer).rejects.toMatchObject({ code: 9 });
    });
  });

  describe("a stream over gRPC", () => {
    const big = () =>
      create(WaitForResponseSchema, { event: { case: "progress", value: { message: "x".repeat(65_536) } } });

    function endless() {
      const ended = Promise.withResolvers<void>();
      let made = 0;
      const endpoint = streaming(async function* () {
        try {
          for (;;) {
            made++;
            yield big();
          }
        } finally {
          ended.resolve();
        }
      });
      return { endpoint, ended: ended.promise, made: () => made };
    }

    test("arrives whole and in order, and then its end", async () => {
      const endpoint = streaming(async function* () {
        for (let i = 0; i < 100; i++) yield create(WaitForResponseSchema, { targetIndex: i });
      });
      const indexes: number[] = [];
      for await (const message of (await overGrpc(endpoint)).wait()) indexes.push(message.targetIndex);
      expect(indexes).toEqual(Array.from({ length: 100 }, (_, i) => i));
    });

    test("is not made faster than it is read", async () => {
      const { endpoint, made } = endless();
      const stream = (await overGrpc(endpoint)).wait();
      stream.on("error", () => undefined);
      await once(stream, "readable");
      let before = -1;
      // It stands still once every buffer on the way is full.
      while (made() !== before) {
        before = made();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(made()).toBeLessThan(200);
      stream.cancel();
    });

    test("ends its source when the reader goes in the middle, also while nothing can be written", async () => {
      const { endpoint, ended } = endless();
      const stream = (await overGrpc(endpoint)).wait();
      stream.on("error", () => undefined);
      await once(stream, "readable");
      stream.cancel();
      await ended;
    });

    test("that fails in the middle delivers what came before, and the error", async () => {
      const endpoint = streaming(async function* (_request, context) {
        yield create(WaitForResponseSchema, { targetIndex: 1 });
        throw toRpcError(new Fault("DRAINING", "going"), context, () => 0);
      });
      const seen: number[] = [];
      const read = (async () => {
        for await (const message of (await overGrpc(endpoint)).wait()) seen.push(message.targetIndex);
      })();
      await expect(read).rejects.toMatchObject({ code: 14 });
      expect(seen).toEqual([1]);
    });
  });

  describe("a call over HTTP", () => {
    test("is answered DEADLINE_EXCEEDED at its deadline, whatever its endpoint does", async () => {
      const { endpoint, called } = held();
      const client = await overHttp(endpoint);
      const failed = client.getRecord({}, { headers: { "connect-timeout-ms": "20" } }).catch((error) => error);
      expect((await called).deadline).toBeLessThan(systemClock.monotonicMs() + 20);
      expect(await failed).toMatchObject({ code: 4 });
    });

    test("has its signal aborted when the caller goes", async () => {
      const { endpoint, called } = held();
      const client = await overHttp(endpoint);
      const leaving = new AbortController();
      client.getRecord({}, { signal: leaving.signal }).catch(() => undefined);
      const { signal } = await called;
      leaving.abort();
      if (!signal.aborted) await once(signal, "abort");
    });

    test("is answered INTERNAL, and told nothing, when something else than an RpcError comes out", async () => {
      const client = await overHttp(unary(() => Promise.reject(new Error("secret"))));
      await expect(client.getRecord({})).rejects.toMatchObject({ code: 13, rawMessage: "internal error" });
    });

    test("is told a pause in the headers that its clients read", async () => {
      const failing = unary(async (_request, context) => {
        throw toRpcError(new Fault("STORE_UNAVAILABLE", "down"), context, () => 0);
      });
      const error = await (await overHttp(failing)).getRecord({}).catch((thrown) => thrown);
      expect(error.metadata.get("retry-after")).toBe("1");
    });

    test("ends the source of a stream when the reader goes", async () => {
      const ended = Promise.withResolvers<void>();
      const endpoint = streaming(async function* () {
        try {
          for (;;)
            yield create(WaitForResponseSchema, {
              event: { case: "progress", value: { message: "x".repeat(65_536) } },
            });
        } finally {
          ended.resolve();
        }
      });
      const client = await overHttp(endpoint);
      const leaving = new AbortController();
      const reading = client.waitFor({}, { signal: leaving.signal })[Symbol.asyncIterator]();
      await reading.next();
      leaving.abort();
      await ended.promise;
    });
  });
});
