import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
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
import { SLOW_READER_MS } from "../../../src/server/limits.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { createRoom, type Place } from "../../../src/server/room.ts";
import { pathOf } from "../../../src/server/service-definition.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { connectSocket, type TestTls, WIRES } from "../../support/tls.ts";
import { createManualClock } from "../store/manual-clock.ts";

const MIB = 1024 * 1024;
const anyPort = { host: "127.0.0.1", port: 0 };
const { getRecord, waitFor } = IdempotencyService.method;
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const result = { body: { case: "inline" as const, value: new Uint8Array(MIB) } };
const answer = create(GetRecordResponseSchema, { result });
const event = create(WaitForResponseSchema, {
  event: { case: "ended", value: { detail: { case: "completed", value: { result } } } },
});

/** Both ports over one room for a single answer, and what the contexts of the calls say of them. */
async function open(tls: TestTls | null) {
  const clock = createManualClock();
  const answered: Promise<boolean>[] = [];
  const call = async (_request: Message, context: CallContext) => {
    answered.push(context.answered());
    return answer;
  };
  async function* stream(): AsyncGenerator<Message> {
    yield* [event, event];
  }
  const bytesOf = () => MIB;
  const endpoints = [
    { kind: "unary", method: getRecord, call, bytesOf },
    { kind: "server_streaming", method: waitFor, call: stream, bytesOf },
  ] as unknown as Endpoint[];
  const inner = createRoom({ bytesMax: MIB, connectionBytesMax: MIB });
  const places: Place[] = [];
  const entering = Array.from({ length: 20 }, () => Promise.withResolvers<void>());
  const room: typeof inner = {
    enter(connection, bytes) {
      const place = inner.enter(connection, bytes);
      places.push(place);
      entering[places.length - 1]?.resolve();
      return place;
    },
  };
  const limits = { maxConnectionAgeMs: 3_600_000, maxConcurrentStreams: 100 };
  const grpc = await serveGrpc(anyPort, { endpoints, clock, log: silentLog, room, tls, ...limits });
  opened.push(() => grpc.destroy());
  const rpc = createHttpRpc({ endpoints, clock, random: () => 0, room });
  const http = await serveHttp(anyPort, {
    ...{ metrics: createMetrics({ ofProcess: false }), readiness: createReadiness(), log: silentLog },
    rpc: async () => rpc,
    waiting: () => "polling",
    tls,
    localOnly: true,
  });
  opened.push(() => http.destroy());
  return {
    ...{ clock, grpc, answered, places, tls },
    httpPort: http.address.port,
    /** So many answers stand before the room or are in it. */
    asked: (count: number) => entering[count - 1]?.promise,
    /** Somebody else's answer fills it. */
    fill: () => inner.enter({}, MIB),
  };
}

type Server = Awaited<ReturnType<typeof open>>;

function session({ grpc, tls }: Server, initialWindowSize: number): ClientHttp2Session {
  const opening = connectHttp2(`${tls ? "https" : "http"}://127.0.0.1:${grpc.address.port}`, {
    settings: { initialWindowSize },
    ...(tls && { ca: tls.authority.caPem }),
  });
  opening.once("connect", () => opening.setLocalWindowSize(64 * MIB));
  opened.push(() => opening.destroy());
  return opening;
}

function request(on: ClientHttp2Session, method: typeof getRecord | typeof waitFor = getRecord, headers = {}) {
  const stream = on.request({
    ...{ ":method": "POST", ":path": pathOf(method), "content-type": "application/grpc", te: "trailers" },
    ...headers,
  });
  stream.on("error", () => undefined).end(Buffer.alloc(5));
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  let bytes = 0;
  let status: unknown;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  for (const event of ["response", "trailers"]) {
    stream.on(event, (headers) => {
      status = headers["grpc-status"] ?? status;
    });
  }
  return { stream, closed, bytes: () => bytes, status: () => Number(status) };
}

describe.each(WIRES)("a large answer over gRPC, over $wire", ({ tls }) => {
  test("is sent when there is room, and gives it to the next when it is taken", async () => {
    const server = await open(tls);
    const other = server.fill();
    const on = session(server, 8 * MIB);
    const calls = [request(on), request(on)];
    await server.asked(2);
    expect(calls.map(({ bytes }) => bytes())).toEqual([0, 0]);
    other.leave();
    await Promise.all(calls.map(({ closed }) => closed));
    expect(calls.map(({ status }) => status())).toEqual([0, 0]);
    for (const { bytes } of calls) expect(bytes()).toBeGreaterThan(MIB);
    expect(await server.fill().entered).toBe(true);
  });

  test("that is not read is let go after 30 s, and the next has its room", async () => {
    const server = await open(tls);
    const stuck = request(session(server, 0));
    await once(stuck.stream, "response");
    const next = request(session(server, 8 * MIB));
    await server.asked(2);
    await server.clock.advance(SLOW_READER_MS - 1);
    expect(stuck.stream.closed).toBe(false);
    await server.clock.advance(1);
    await Promise.all([stuck.closed, next.closed]);
    expect(stuck.stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(next.status()).toBe(0);
    expect(await server.answered[0]).toBe(false);
  });

  test("that waits for room is not answered when its caller goes, and has left the queue", async () => {
    const server = await open(tls);
    const other = server.fill();
    const call = request(session(server, 8 * MIB));
    await server.asked(1);
    call.stream.close(constants.NGHTTP2_CANCEL);
    expect(await server.places[0]?.entered).toBe(false);
    expect(await server.answered[0]).toBe(false);
    other.leave();
    expect(await server.fill().entered).toBe(true);
  });

  test("that waits for room until its deadline has passed is answered DEADLINE_EXCEEDED, and nothing else", async () => {
    const server = await open(tls);
    const other = server.fill();
    const call = request(session(server, 8 * MIB), getRecord, { "grpc-timeout": "500m" });
    await call.closed;
    expect([call.status(), call.bytes()]).toEqual([4, 0]);
    expect(await server.answered[0]).toBe(false);
    other.leave();
    expect(await server.fill().entered).toBe(true);
  });

  test("that waits for room when the server closes is sent before it has closed", async () => {
    const server = await open(tls);
    const other = server.fill();
    const call = request(session(server, 8 * MIB));
    await server.asked(1);
    const closed = server.grpc.close();
    other.leave();
    await Promise.all([call.closed, closed]);
    expect(call.status()).toBe(0);
  });

  test("in a stream has its room only until it is taken", async () => {
    const server = await open(tls);
    const other = server.fill();
    const call = request(session(server, 8 * MIB), waitFor);
    await server.asked(1);
    expect(call.bytes()).toBe(0);
    other.leave();
    await call.closed;
    expect(call.status()).toBe(0);
    expect(call.bytes()).toBeGreaterThan(2 * MIB);
    expect(await server.fill().entered).toBe(true);
  });

  test("in a stream whose reader goes while it waits is not sent, and has left the queue", async () => {
    const server = await open(tls);
    const other = server.fill();
    const call = request(session(server, 8 * MIB), waitFor);
    await server.asked(1);
    call.stream.close(constants.NGHTTP2_CANCEL);
    expect(await server.places[0]?.entered).toBe(false);
    other.leave();
    expect(await server.fill().entered).toBe(true);
  });
});

const URL_PATH = pathOf(getRecord);

describe("a large answer over HTTP", () => {
  const post = ({ httpPort }: Server, path = URL_PATH, options: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${httpPort}${path}`, {
      ...{ method: "POST", body: "{}", ...options },
      headers: { "content-type": "application/json", ...options.headers },
    });

  test("is sent when there is room, which is free again when it has left", async () => {
    const server = await open(null);
    const other = server.fill();
    const calls = [post(server), post(server, `${URL_PATH}?`)];
    await server.asked(2);
    other.leave();
    const bodies = await Promise.all(calls.map(async (response) => (await (await response).text()).length));
    for (const length of bodies) expect(length).toBeGreaterThan(MIB);
    expect(await Promise.all(server.answered)).toEqual([true, true]);
    expect(await server.fill().entered).toBe(true);
  });

  test("that waits for room is not answered when its caller goes, and has left the queue", async () => {
    const server = await open(null);
    const other = server.fill();
    const leaving = new AbortController();
    const call = post(server, URL_PATH, { signal: leaving.signal }).catch(() => "gone");
    await server.asked(1);
    leaving.abort();
    expect(await call).toBe("gone");
    expect(await server.places[0]?.entered).toBe(false);
    expect(await server.answered[0]).toBe(false);
    other.leave();
    expect(await server.fill().entered).toBe(true);
  });

  test("that waits for room until its deadline has passed is answered so, and counts as not answered", async () => {
    const server = await open(null);
    const other = server.fill();
    const response = await post(server, URL_PATH, { headers: { "connect-timeout-ms": "500" } });
    expect(await response.json()).toMatchObject({ code: "deadline_exceeded" });
    expect(await server.places[0]?.entered).toBe(false);
    expect(await server.answered[0]).toBe(false);
    other.leave();
    expect(await server.fill().entered).toBe(true);
  });

  test("in a stream has its room only until it is taken", async () => {
    const server = await open(null);
    const other = server.fill();
    const type = { "content-type": "application/connect+proto" };
    const call = post(server, pathOf(waitFor), { headers: type, body: new Uint8Array(5) });
    await server.asked(1);
    other.leave();
    expect((await (await call).bytes()).length).toBeGreaterThan(2 * MIB);
    expect(server.places).toHaveLength(2);
    expect(await server.fill().entered).toBe(true);
  });

  test("takes no room while another answer is to be sent before it on its connection", async () => {
    const server = await open(null);
    const other = server.fill();
    const socket = (await connectSocket(server.httpPort, null)).on("error", () => undefined);
    opened.push(() => socket.destroy());
    const head = `POST ${URL_PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
    const two = `${head}content-length: 2\r\n\r\n{}`.repeat(2);
    socket.write(two);
    await server.asked(1);
    while (server.answered.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(server.places).toHaveLength(1);
    let bytes = 0;
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    other.leave();
    await Promise.all(server.answered);
    await server.asked(2);
    while (bytes < 2 * MIB) await once(socket, "data");
  });
});
