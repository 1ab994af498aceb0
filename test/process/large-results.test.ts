import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectHttp2, constants } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GetRecordRequestSchema, IdempotencyService, type Result } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type GrpcMethod, serviceDefinition } from "../../src/server/service-definition.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { sumOf, untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { type Caller, claimOf, connect, hold, type Key, LONG } from "./waiting-calls.ts";

const WAITING = 'holdfast_waiting_calls{placement="main"}';
const MIB = 1024 * 1024;
const CALLS = 400;
const CONNECTIONS = 4;
/** Without a bound it is 750 to 830 MiB. */
const RESIDENT_MIB_MAX = 550;

const large = Buffer.alloc(MIB, "r");
let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
}, 120_000);

afterAll(async () => {
  await database?.drop();
});

async function complete(caller: Caller, key: Key, value: Uint8Array): Promise<void> {
  await caller.complete({ handle: await hold(caller, key), result: { body: { case: "inline", value } } });
}

function isLarge(result: Result | undefined): boolean {
  return result?.body.case === "inline" && large.equals(result.body.value);
}

/** Whether the call of this caller is answered with the whole result. */
type Way = (caller: Caller, key: Key) => Promise<boolean>;

const claims: Way = async (caller, key) => {
  const { detail } = await caller.claim(claimOf(key, { wait: 60 }), LONG);
  return detail.case === "completed" && isLarge(detail.value.result);
};

const waits: Way = async (caller, key) => {
  let isTold = false;
  for await (const { event } of caller.waitFor({ targets: [{ key }], includeResult: true }, LONG)) {
    if (event.case !== "ended" || event.value.detail.case !== "completed") continue;
    isTold = isLarge(event.value.detail.value.result);
  }
  return isTold;
};

const looks: Way = async (caller, key) => {
  const { result } = await caller.getRecord({ key, includeResult: true }, LONG);
  return isLarge(result);
};

/** The most memory that the server ever had, in MiB, where the system keeps count of that; otherwise what it has now. */
async function peakMiB(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8").catch(() => "");
  const peakKiB = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
  return peakKiB === undefined
    ? (await sumOf([server], "process_resident_memory_bytes")) / MIB
    : Number(peakKiB) / 1024;
}

describe("a result of 1 MiB goes to all who ask, a few copies at a time:", () => {
  async function answerAll(way: Way, isWaiting: boolean) {
    server = await startServer({ databaseUrl: database.url });
    await using open = new AsyncDisposableStack();
    open.use(server);
    const [key, holder] = [newKey(), open.use(connect(server.grpc))];
    const callers = Array.from({ length: CONNECTIONS }, () => open.use(connect(server.grpc)));
    const ask = () => callers.flatMap((caller) => Array.from({ length: CALLS / CONNECTIONS }, () => way(caller, key)));
    let asked: readonly Promise<boolean>[];
    if (isWaiting) {
      const handle = await hold(holder, key);
      asked = ask();
      await untilSumIs([server], WAITING, CALLS);
      await holder.complete({ handle, result: { body: { case: "inline", value: large } } });
    } else {
      await complete(holder, key, large);
      asked = ask();
    }
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(CALLS);
    return await peakMiB();
  }

  test("claims that wait for it", async () => {
    expect(await answerAll(claims, true)).toBeLessThan(RESIDENT_MIB_MAX);
  });

  test("streams that wait for it", async () => {
    expect(await answerAll(waits, true)).toBeLessThan(RESIDENT_MIB_MAX);
  });

  test("claims that it is replayed to", async () => {
    expect(await answerAll(claims, false)).toBeLessThan(RESIDENT_MIB_MAX);
  });

  test("looks at the record", async () => {
    expect(await answerAll(looks, false)).toBeLessThan(RESIDENT_MIB_MAX);
  });
});

/** Asks for a record and takes nothing of the answer: the window is closed. */
function openStuckReaders(key: Key, count: number) {
  const { path, requestSerialize } = serviceDefinition(IdempotencyService)[
    IdempotencyService.method.getRecord.localName
  ] as GrpcMethod;
  const message = requestSerialize(create(GetRecordRequestSchema, { key, includeResult: true }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  const session = connectHttp2(`http://${server.grpc}`, { settings: { initialWindowSize: 0 } });
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const streams = Array.from({ length: count }, () => {
    const stream = session.request(headers).on("error", () => undefined);
    stream.end(Buffer.concat([head, message]));
    return stream;
  });
  return { streams, [Symbol.dispose]: () => session.destroy() };
}

test("readers who take nothing hold up no small answer and no large one for longer than until they are let go", async () => {
  server = await startServer({ databaseUrl: database.url });
  await using open = new AsyncDisposableStack();
  open.use(server);
  const [caller, key, small] = [open.use(connect(server.grpc)), newKey(), newKey()];
  await complete(caller, key, large);
  await complete(caller, small, Buffer.from("small"));
  // One connection cannot fill the room. Others are answered beside it.
  const first = open.use(openStuckReaders(key, 40));
  await Promise.all(first.streams.slice(0, 16).map((stream) => once(stream, "response")));
  expect(await looks(caller, key)).toBe(true);
  const more = [1, 2, 3].map(() => open.use(openStuckReaders(key, 40)));
  await Promise.all(more.flatMap(({ streams }) => streams.slice(0, 16).map((stream) => once(stream, "response"))));
  const blocked = looks(caller, key);
  expect((await caller.getRecord({ key: small, includeResult: true })).result?.body.value).toEqual(
    Buffer.from("small"),
  );
  const stuck = [first, ...more].flatMap(({ streams }) => streams);
  expect(stuck.filter(({ closed }) => closed)).toEqual([]);
  expect(await blocked).toBe(true);
  const dismissed = stuck.filter(({ closed }) => closed);
  expect(new Set(dismissed.map(({ rstCode }) => rstCode))).toEqual(new Set([constants.NGHTTP2_ENHANCE_YOUR_CALM]));
  // It did not have to wait for all those who had come before it.
  expect(dismissed.length).toBeLessThan(stuck.length);
});
