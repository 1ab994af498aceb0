import { type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { Finish_Reason as FinishReason, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newKey } from "../callers.ts";
import { sumOf, untilSumIs } from "../metrics-page.ts";
import { type Answer, connectAnswer, envelope } from "./answer.ts";
import { row } from "./rows.ts";
import {
  acquire,
  CANARY,
  call,
  countRecords,
  FIELD_INVALID,
  generic,
  lives,
  livesOn,
  type Refusal,
  readRefusal,
  refuses,
  useStand,
} from "./stand.ts";
import { encode, pathOf, STREAM_WIRES, type WireName } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

// To a wire it is a method like any other: only what comes back differs.
const WAIT_FOR = generic(method.waitFor as never);
type WaitForInit = MessageInitShape<typeof method.waitFor.input>;

const WAITING = 'holdfast_waiting_calls{placement="main"}';
const WAITERS = 'holdfast_waiters{placement="main"}';

/** Sends and expects this refusal; afterwards nobody waits, the server answers, and no row is there that was not. */
async function refusesWait(name: WireName, init: WaitForInit, refusal: Refusal): Promise<void> {
  const wire = stand.wires[name];
  const message = encode(wire, WAIT_FOR, init);
  if (name === "gRPC" || name === "gRPC-Web") await refuses(stand, wire, WAIT_FOR, message, refusal);
  else {
    const before = await countRecords(stand.sql);
    const answer = await sendEnveloped(message, `application/connect+${wire.format === "json" ? "json" : "proto"}`);
    expect(readRefusal(answer)).toEqual({ fields: [], ...refusal, domain: "holdfast.v1" });
    expect(answer.received).not.toContain(CANARY);
    expect(await countRecords(stand.sql)).toBe(before);
    await lives(wire);
  }
  expect(await sumOf([stand.server], WAITERS)).toBe(0);
  expect(await sumOf([stand.server], WAITING)).toBe(0);
}

const END_OF_STREAM = 2;

/** How Connect sends streams: each message in an envelope, and then the error or nothing in a last one. */
async function sendEnveloped(message: Uint8Array, contentType: string): Promise<Answer> {
  const response = await fetch(stand.server.http + pathOf(WAIT_FOR), {
    method: "POST",
    headers: { "content-type": contentType },
    body: new Uint8Array(envelope(message)),
  });
  const body = Buffer.from(await response.arrayBuffer());
  expect({ status: response.status, flags: body[0] }).toEqual({ status: 200, flags: END_OF_STREAM });
  const { error } = JSON.parse(body.subarray(5).toString()) as { readonly error: unknown };
  return connectAnswer(400, Object.fromEntries(response.headers), Buffer.from(JSON.stringify(error)), WAIT_FOR.output);
}

const NOT_FOUND: Refusal = { code: "NOT_FOUND", reason: "RECORD_NOT_FOUND" };
const OUT_OF_RANGE: Refusal = { code: "OUT_OF_RANGE", reason: "DURATION_OUT_OF_RANGE" };
const FULL: Refusal = { code: "RESOURCE_EXHAUSTED", reason: "QUOTA_WAITERS" };

const canary = { key: newKey(CANARY) };
const seconds = (value: number) => ({ seconds: BigInt(value) });

describe.each(STREAM_WIRES)("%s", (name) => {
  test(`${row(80)} fails at once and leaves no waiter`, async () => {
    await refusesWait(name, { targets: [canary], mustExist: true }, NOT_FOUND);
    const targets = [...Array.from({ length: 99 }, () => ({ key: newKey() })), canary];
    await refusesWait(name, { targets, mustExist: true }, NOT_FOUND);
  });

  test.each<[string, WaitForInit, Refusal]>([
    ["a timeout of 0", { targets: [canary], timeout: seconds(0) }, { ...OUT_OF_RANGE, fields: ["timeout"] }],
    ["a timeout of a day", { targets: [canary], timeout: seconds(86_400) }, { ...OUT_OF_RANGE, fields: ["timeout"] }],
    [
      "a keep-alive of a second",
      { targets: [canary], keepAliveInterval: seconds(1) },
      { ...OUT_OF_RANGE, fields: ["keep_alive_interval"] },
    ],
    ["no target", { targets: [] }, FIELD_INVALID("targets")],
    ["101 targets", { targets: Array.from({ length: 101 }, () => canary) }, FIELD_INVALID("targets")],
    ["a target without key", { targets: [canary, {}] }, FIELD_INVALID("targets[1].key")],
    ["a mode that does not exist", { targets: [canary], mode: 9 as never }, FIELD_INVALID("mode")],
  ])(`${row(82)}: %s`, async (_, init, refusal) => {
    await refusesWait(name, init, refusal);
  });
});

/** A client that reads what it is sent. */
const reader = () => createClient(IdempotencyService, createGrpcTransport({ baseUrl: `http://${stand.server.grpc}` }));

test(`${row(82)}: a target twice is answered twice`, async () => {
  const wire = stand.wires.gRPC;
  const key = newKey();
  const handle = await acquire(wire, { key });
  await call(wire, method.complete, { handle, result: { body: { case: "omittedReason", value: "" } } });
  const told = await Array.fromAsync(reader().waitFor({ targets: [{ key }, { key }] }));
  expect(told.map(({ targetIndex, event }) => [targetIndex, event.case])).toEqual([
    [0, "snapshot"],
    [0, "ended"],
    [1, "snapshot"],
    [1, "ended"],
    [0, "finish"],
  ]);
});

/** One connection to the gRPC port, in whose streams nobody reads unless told to. */
function openSession(settings = {}) {
  const session = connectHttp2(`http://${stand.server.grpc}`, { settings });
  session.setMaxListeners(0);
  const wait = (init: WaitForInit): ClientHttp2Stream => {
    const head = { ":method": "POST", ":path": pathOf(WAIT_FOR), "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(head);
    stream.on("error", () => undefined);
    stream.end(envelope(encode({ format: "binary" }, method.waitFor as never, init)));
    return stream;
  };
  return { wait, [Symbol.dispose]: () => session.destroy() };
}

const TEN_MINUTES = seconds(600);

describe(row(83), () => {
  test("2 000 records of a tenant can be waited for, and not one more; those can by others too", async () => {
    {
      using session = openSession();
      const targets = Array.from({ length: 2_000 }, () => ({ key: newKey() }));
      for (let from = 0; from < targets.length; from += 100) {
        session.wait({ targets: targets.slice(from, from + 100), timeout: TEN_MINUTES }).resume();
      }
      await untilSumIs([stand.server], WAITERS, 2_000);
      const answer = await stand.wires.gRPC.send(
        WAIT_FOR,
        encode(stand.wires.gRPC, WAIT_FOR, { targets: [targets[0] ?? canary, canary] } as never),
      );
      expect(readRefusal(answer)).toMatchObject(FULL);
      expect(answer.received).not.toContain(CANARY);
      expect(await sumOf([stand.server], WAITERS)).toBe(2_000);
      session.wait({ targets: targets.slice(0, 1) }).resume();
      await untilSumIs([stand.server], WAITERS, 2_001);
    }
    await untilSumIs([stand.server], WAITERS, 0);
    await untilSumIs([stand.server], 'holdfast_waited_keys{placement="main"}', 0);
    await lives(stand.wires.gRPC);
  });

  test("10 000 calls of a tenant can wait, and not one more", async () => {
    const key = newKey();
    await acquire(stand.wires.gRPC, { key, lease: seconds(3_600) });
    const sessions = Array.from({ length: 10 }, () => openSession());
    for (const [opened, session] of sessions.entries()) {
      for (let i = 0; i < 1_000; i++) session.wait({ targets: [{ key }], timeout: TEN_MINUTES }).resume();
      await untilSumIs([stand.server], WAITING, 1_000 * (opened + 1));
    }
    const wire = stand.wires.gRPC;
    const answer = await wire.send(WAIT_FOR, encode(wire, WAIT_FOR, { targets: [canary] } as never));
    expect(readRefusal(answer)).toMatchObject(FULL);
    await lives(wire);
    for (const session of sessions) session[Symbol.dispose]();
    await untilSumIs([stand.server], WAITING, 0);
    await untilSumIs([stand.server], 'holdfast_waited_keys{placement="main"}', 0);
    await allLive();
  }, 120_000);
});

/** Asked now and then: a connection on which nothing is said for a minute is closed. */
async function allLive(): Promise<void> {
  for (const wire of Object.values(stand.wires)) await lives(wire);
}

test(`${row(85)} is let go, on both ports, and what was kept for it with it`, async () => {
  const wire = stand.wires.gRPC;
  const key = newKey();
  const handle = await acquire(wire, { key });
  const value = Buffer.alloc(1 << 20);
  await call(wire, method.complete, { handle, result: { body: { case: "inline", value } } });
  // A hundred MiB: more than the kernel takes for us. On the gRPC port a window of 0 takes nothing at all.
  const request = { targets: Array.from({ length: 100 }, () => ({ key })), includeResult: true };
  using session = openSession({ initialWindowSize: 0 });
  const stream = session.wait(request);
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  const web = connectTcp(Number(new URL(stand.server.http).port), "127.0.0.1").pause();
  web.on("error", () => undefined);
  const body = envelope(encode(stand.wires["gRPC-Web"], WAIT_FOR, request as never));
  const head = "host: localhost\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: ";
  web.write(`POST ${pathOf(WAIT_FOR)} HTTP/1.1\r\n${head}${body.length}\r\n\r\n`);
  web.write(body);
  await untilSumIs([stand.server], WAITING, 2);
  await lives(wire);

  await closed;
  expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  await untilSumIs([stand.server], WAITING, 0);
  await untilSumIs([stand.server], WAITERS, 0);
  web.destroy();
  await allLive();
});

test(`${row(86)} are all answered, and read it no oftener than one does`, async () => {
  const wire = stand.wires.gRPC;
  const key = newKey();
  const handle = await acquire(wire, { key });
  const before = await sumOf([stand.server], PEEKED);
  const client = reader();
  const waits = Array.from({ length: 1_000 }, () => Array.fromAsync(client.waitFor({ targets: [{ key }] })));
  await untilSumIs([stand.server], WAITING, 1_000);
  await call(wire, method.complete, { handle, result: { body: { case: "omittedReason", value: "" } } });
  const finished = (await Promise.all(waits)).map((told) => told.at(-1)?.event);
  expect(finished).toHaveLength(1_000);
  for (const event of finished) {
    expect(event).toMatchObject({ case: "finish", value: { reason: FinishReason.DONE } });
  }
  // One for all, one for the end, and one in each second that this takes.
  expect((await sumOf([stand.server], PEEKED)) - before).toBeLessThan(60);
});

const PEEKED = 'holdfast_batch_rows_sum{statement="peek"}';

livesOn(stand);
