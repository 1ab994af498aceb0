import { once } from "node:events";
import { create, type Message } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test } from "vitest";
import { GetRecordResponseSchema, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock } from "../../../src/clock.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { CallContext, Endpoint } from "../../../src/rpc/endpoint.ts";
import { toRpcError } from "../../../src/rpc/status.ts";
import { serveHttp } from "../../../src/server/http.ts";
import { createHttpRpc } from "../../../src/server/http-rpc.ts";
import { ROOM } from "../../../src/server/limits.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { createRoom } from "../../../src/server/room.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

const record = create(GetRecordResponseSchema);
const opened: (() => void)[] = [];

afterEach(() => {
  for (const close of opened.splice(0)) close();
});

describe.each([
  ["Connect", createConnectTransport],
  ["gRPC-Web", createGrpcWebTransport],
])("over %s", (_name, createTransport) => {
  /** A call that has arrived and asks whether it will be answered. */
  async function askingCall(timeoutMs?: number) {
    const called = Promise.withResolvers<CallContext>();
    const { promise: response, resolve: answer, reject: fail } = Promise.withResolvers<Message>();
    const call = (_request: Message, context: CallContext) => {
      called.resolve(context);
      return response;
    };
    const endpoint = { kind: "unary", method: IdempotencyService.method.getRecord, call } as unknown as Endpoint;
    const rpc = createHttpRpc({ endpoints: [endpoint], clock: systemClock, random: () => 0, room: createRoom(ROOM) });
    const server = await serveHttp(
      { host: "127.0.0.1", port: 0 },
      {
        ...{ readiness: createReadiness(), metrics: createMetrics({ ofProcess: false }), log: silentLog },
        rpc: async () => rpc,
        waiting: () => "polling",
        tls: null,
        localOnly: true,
      },
    );
    opened.push(() => server.destroy());
    const transport = createTransport({ baseUrl: `http://127.0.0.1:${server.address.port}`, httpVersion: "1.1" });
    const leaving = new AbortController();
    const options = { signal: leaving.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const outcome = createClient(IdempotencyService, transport)
      .getRecord({}, options)
      .then(
        () => 0,
        ({ code }: { readonly code: Code }) => code,
      );
    const context = await called.promise;
    return { ...{ context, answer, fail, outcome }, cancel: () => leaving.abort(), isAnswered: context.answered() };
  }

  test("an answer that was handed over counts as arrived", async () => {
    const { answer, isAnswered } = await askingCall();
    answer(record);
    expect(await isAnswered).toBe(true);
  });

  test("a call that is cancelled before its answer is not answered", async () => {
    const { answer, cancel, context, isAnswered } = await askingCall();
    cancel();
    if (!context.signal.aborted) await once(context.signal, "abort");
    answer(record);
    expect(await isAnswered).toBe(false);
    expect(await context.answered()).toBe(false);
  });

  test("a call that fails is not answered", async () => {
    const { fail, outcome, context, isAnswered } = await askingCall();
    fail(toRpcError(new Fault("STORE_UNAVAILABLE", "down"), context, () => 0));
    expect(await outcome).toBe(Code.Unavailable);
    expect(await isAnswered).toBe(false);
  });

  test("a call whose deadline passes before its answer is not answered", async () => {
    const { answer, outcome, context, isAnswered } = await askingCall(3000);
    if (!context.signal.aborted) await once(context.signal, "abort");
    expect(await outcome).toBe(Code.DeadlineExceeded);
    answer(record);
    expect(await isAnswered).toBe(false);
  });
});
