import { once } from "node:events";
import { create, type Message } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import {
  GetRecordRequestSchema,
  GetRecordResponseSchema,
  IdempotencyService,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { CallContext } from "../../../src/rpc/endpoint.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { serveGrpc } from "../../../src/server/grpc.ts";
import { streamOf } from "../../../src/server/grpc-answered.ts";
import { ANSWER_SETTLE_MS, CONNECTION_CHECK_MS, ROOM } from "../../../src/server/limits.ts";
import { createRoom } from "../../../src/server/room.ts";
import { type GrpcMethod, serviceDefinition } from "../../../src/server/service-definition.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { channelCredentialsTo, WIRES } from "../../support/tls.ts";
import { createManualClock } from "../store/manual-clock.ts";

const { method } = IdempotencyService;
const record = create(GetRecordResponseSchema);
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

describe.each(WIRES)("over $wire", ({ tls }) => {
  /** A call that has arrived and asks whether it will be answered, its client behind a network that can be cut off. */
  async function askingCall(options: grpc.CallOptions = {}) {
    const clock = createManualClock();
    const called = Promise.withResolvers<CallContext>();
    const { promise: response, resolve: answer, reject: fail } = Promise.withResolvers<Message>();
    const call = (_request: Message, context: CallContext) => {
      called.resolve(context);
      return response;
    };
    const endpoint = { kind: "unary", method: method.getRecord, call: call as never } as const;
    const settings = {
      clock,
      log: silentLog,
      maxConnectionAgeMs: 3_600_000,
      maxConcurrentStreams: 100,
      room: createRoom(ROOM),
      tls,
    };
    const server = await serveGrpc({ host: "127.0.0.1", port: 0 }, { endpoints: [endpoint], ...settings });
    opened.push(() => server.destroy());
    const proxy = await startTcpProxy(server.address);
    opened.push(() => proxy[Symbol.asyncDispose]());
    const client = new grpc.Client(`127.0.0.1:${proxy.port}`, channelCredentialsTo(tls));
    opened.push(() => client.close());

    const { path, requestSerialize, responseDeserialize } = serviceDefinition(IdempotencyService)[
      method.getRecord.localName
    ] as GrpcMethod;
    const outcome = Promise.withResolvers<grpc.status>();
    const request = create(GetRecordRequestSchema);
    const sent = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, (error) => {
      outcome.resolve(error?.code ?? grpc.status.OK);
    });
    const context = await called.promise;
    return {
      ...{ clock, proxy, client, server, context, answer, fail },
      cancel: () => sent.cancel(),
      outcome: outcome.promise,
      isAnswered: context.answered(),
    };
  }

  test("an answer that the caller's side acknowledges has arrived", async () => {
    const { answer, outcome, clock, isAnswered } = await askingCall();
    answer(record);
    expect(await outcome).toBe(grpc.status.OK);
    await clock.advance(ANSWER_SETTLE_MS + CONNECTION_CHECK_MS);
    expect(await isAnswered).toBe(true);
  });

  test("an answer that is sent into a network that loses it has not", async () => {
    const { answer, clock, isAnswered, proxy } = await askingCall();
    proxy.hold();
    answer(record);
    const told: boolean[] = [];
    void isAnswered.then((reached) => told.push(reached));
    // Nothing here says when the answer has left: time goes on until the PING behind it is overdue.
    while (told.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(CONNECTION_CHECK_MS);
    }
    expect(told).toEqual([false]);
  });

  test("an answer after which the caller closes its connection has arrived", async () => {
    const { answer, outcome, client, isAnswered } = await askingCall();
    answer(record);
    await outcome;
    client.close();
    expect(await isAnswered).toBe(true);
  });

  test("an answer after which the server shuts down counts as arrived", async () => {
    const { answer, outcome, server, isAnswered } = await askingCall();
    answer(record);
    await outcome;
    void server.close();
    expect(await isAnswered).toBe(true);
  });

  test("a call that is cancelled before its answer is not answered, though it ends well here", async () => {
    const { answer, cancel, context, isAnswered } = await askingCall();
    cancel();
    if (!context.signal.aborted) await once(context.signal, "abort");
    expect(await isAnswered).toBe(false);
    expect(await context.answered()).toBe(false);
    answer(record);
  });

  test("a call whose deadline passes before its answer is not answered", async () => {
    const { answer, outcome, context, isAnswered } = await askingCall({ deadline: Date.now() + 3000 });
    if (!context.signal.aborted) await once(context.signal, "abort");
    expect(await outcome).toBe(grpc.status.DEADLINE_EXCEEDED);
    answer(record);
    expect(await isAnswered).toBe(false);
  });

  test("a call that fails is not answered", async () => {
    const { fail, outcome, context, isAnswered } = await askingCall();
    fail(toRpcError(new Fault("STORE_UNAVAILABLE", "down"), context, () => 0));
    expect(await outcome).toBe(grpc.status.UNAVAILABLE);
    expect(await isAnswered).toBe(false);
  });

  test("a call whose caller closes its connection first is not answered", async () => {
    const { answer, proxy, context, isAnswered } = await askingCall();
    proxy.cut();
    if (!context.signal.aborted) await once(context.signal, "abort");
    answer(record);
    expect(await isAnswered).toBe(false);
  });
});

test("a call of which grpc-js no longer shows the stream is a bug, and said to be one", () => {
  expect(() => streamOf({})).toThrow("bug: grpc-js no longer keeps");
  expect(() => streamOf({ call: { stream: {} } })).toThrow("bug: grpc-js no longer keeps");
});
