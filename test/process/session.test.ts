import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Code } from "../../gen/google/rpc/code_pb.ts";
import { AcquireReason, FailKind, IdempotencyService, RecordState } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { openWireSession } from "../unit/server/session-wire.ts";
import { CallError, type Caller, grpcCaller, newKey } from "./callers.ts";
import { sumOf, untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { CALLS } from "./server-pair.ts";
import {
  type Answer,
  answerAs,
  type CallInit,
  claim,
  complete,
  hold,
  leaseOf,
  openSession,
  release,
  resultOf,
} from "./session-caller.ts";
import { claimOf, type Key, newKeys, until } from "./waiting-calls.ts";

const { method } = IdempotencyService;
const METHODS = { claim: method.claim, heartbeat: method.heartbeat, complete: method.complete, fail: method.fail };

let database: TestDatabase;
let server: ServerProcess;
/** Nobody waits there but in one test at a time. */
let quiet: ServerProcess;
let unary: Caller;

beforeAll(async () => {
  database = await createTestDatabase();
  const start = () => startServer({ databaseUrl: database.url });
  [server, quiet] = await Promise.all([start(), start()]);
  unary = grpcCaller(server.grpc);
});

afterAll(async () => {
  unary?.[Symbol.dispose]();
  await Promise.all([server?.[Symbol.asyncDispose](), quiet?.[Symbol.asyncDispose]()]);
  await database?.drop();
});

async function look(key: Key) {
  const { record } = await unary.call(method.getRecord, { key });
  if (record === undefined) throw new Error("no record");
  return record;
}

const untilWaitedFor = (key: Key) => until(async () => (await look(key)).hasWaiters);

/** The same call by itself: its answer, or its error without what is jittered. */
async function alone({ case: name, value }: CallInit): Promise<unknown> {
  if (name === undefined || name === "cancel") throw new Error("no unary call");
  try {
    return await unary.call(METHODS[name] as never, value as never);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return { code: error.code, message: error.message, details: [...error.details.keys()] };
  }
}

function plain(answer: Answer | null): unknown {
  if (answer?.case !== "error") return answer?.value;
  const { code, message, details } = answer.value;
  return { code, message, details: details.map(({ typeUrl }) => typeUrl.split("/").at(-1)) };
}

describe.concurrent("a session", () => {
  test("is answered as unary calls are", async () => {
    using session = openSession(server.grpc);
    const key = newKey();
    const fingerprint = { algorithm: "sha256", digest: new Uint8Array(32) };
    const other = { algorithm: "sha256", digest: new Uint8Array(32).fill(1) };
    const claimed = await session.call({ case: "claim", value: { ...claimOf(key), fingerprint } });
    const handle = leaseOf(claimed);
    const wrong = { ...handle, token: new Uint8Array(16) };
    const refused: CallInit[] = [
      { case: "claim", value: { ...claimOf(key), fingerprint: other } },
      { case: "claim", value: { ...claimOf(key), claimId: "short" } },
      { case: "claim", value: { ...claimOf({ ...key, scope: "" }) } },
      { case: "heartbeat", value: { handle: wrong } },
      { case: "heartbeat", value: { handle, lease: { seconds: 4000n } } },
      { case: "complete", value: { handle } },
      { case: "complete", value: { handle: wrong, result: resultOf("x") } },
      { case: "fail", value: { handle, kind: FailKind.UNSPECIFIED } },
    ];
    for (const call of refused) expect(plain(await session.call(call))).toEqual(await alone(call));
    expect(answerAs(await session.call({ case: "heartbeat", value: { handle } }), "heartbeat").hasWaiters).toBe(false);
    expect(answerAs(await session.call(complete(handle)), "complete")).toMatchObject({ alreadyApplied: false });
    const after: CallInit[] = [
      complete(handle),
      complete(handle, "another result"),
      release(handle),
      { case: "claim", value: { ...claimOf(key), fingerprint } },
      { case: "claim", value: { ...claimOf(key), fingerprint: other } },
    ];
    for (const call of after) expect(plain(await session.call(call))).toEqual(await alone(call));
  });

  test("carries many calls at once, more than it promises to, each answered once", async () => {
    using session = openSession(server.grpc);
    const { callsMax, waitsMax, requestBytesMax } = await session.hello;
    expect([callsMax, waitsMax, requestBytesMax]).toEqual([1024, 10_000, 16 * 1024 * 1024]);
    const keys = newKeys(3 * callsMax);
    const claimed = await Promise.all(keys.map((key) => hold(session, key)));
    const ended = await Promise.all(claimed.map((handle) => session.call(complete(handle))));
    for (const answer of ended) expect(answerAs(answer, "complete").alreadyApplied).toBe(false);
    const large = leaseOf(await session.call(claim(newKey())));
    await session.call(complete(large, "x".repeat(1_000_000)));
    const key = large.key as Key;
    const [replayed, small] = await Promise.all([session.call(claim(key)), session.call(claim(keys[0] ?? key))]);
    for (const answer of [replayed, small]) expect(answerAs(answer, "claim").detail.case).toBe("completed");
  });

  test("counts as one stream, and its calls as those of their methods", async () => {
    await using own = await startServer({ databaseUrl: database.url });
    const labels = 'grpc_service="holdfast.v1.IdempotencyService"';
    {
      using session = openSession(own.grpc);
      await hold(session, newKey());
      await untilSumIs([own], "holdfast_sessions", 1);
      session.halfClose();
      expect((await session.ended).code).toBe(Code.OK);
    }
    await untilSumIs([own], "holdfast_sessions", 0);
    const handled = 'grpc_code="OK"';
    const ofSession = `grpc_server_handled_total{grpc_type="bidi_stream",${labels},grpc_method="Session",${handled}}`;
    const ofClaim = `grpc_server_handled_total{grpc_type="unary",${labels},grpc_method="Claim",${handled}}`;
    expect([await sumOf([own], ofSession), await sumOf([own], ofClaim)]).toEqual([1, 1]);
    // Of a client that takes no answer: more than twice as many as Hello promises.
    const connection = connect(`http://${own.grpc}`, { settings: { initialWindowSize: 0 } });
    const calls = Array.from({ length: 2 * 1024 + 1 }, (_, i) => ({ id: BigInt(i + 1), call: claim(newKey()) }));
    openWireSession(connection).send(...calls);
    await untilSumIs([own], "holdfast_session_pauses_total", 1);
    connection.destroy();
    await untilSumIs([own], "holdfast_sessions", 0);
  });

  test("keeps a claim that waits while others come and go, and gives it what another caller lets go", async () => {
    using session = openSession(server.grpc);
    using holder = openSession(server.grpc);
    const key = newKey();
    const handle = await hold(holder, key);
    const waiting = session.call(claim(key, { wait: 30 }));
    await untilWaitedFor(key);
    await hold(session, newKey());
    await holder.call(release(handle));
    const { detail } = answerAs(await waiting, "claim");
    expect(detail).toMatchObject({ case: "acquired", value: { reason: AcquireReason.RETRY } });
    if (detail.case === "acquired") expect(detail.value.lease?.waited).toBeDefined();
  });

  test("gives back what came to a claim whose caller has vanished without a word, and counts no attempt", async () => {
    await using proxy = await startTcpProxy(addressOf(server.grpc));
    using holder = openSession(server.grpc);
    using vanishing = openSession(`127.0.0.1:${proxy.port}`);
    const key = newKey();
    const handle = await hold(holder, key);
    void vanishing.call(claim(key, { wait: 50, lease: 3600 }));
    await untilWaitedFor(key);
    proxy.hold();
    await holder.call(release(handle));
    await until(async () => (await look(key)).state === RecordState.IN_PROGRESS);
    await until(async () => (await look(key)).state === RecordState.AVAILABLE);
    expect((await look(key)).attempt).toBe(0);
  });
});

/** Of nobody who waits on the quiet server. */
const untilGone = () => untilSumIs([quiet], CALLS, 0);

describe("a claim that waits on a session", () => {
  test("waits no longer when it is cancelled, and nobody else is", async () => {
    using session = openSession(quiet.grpc);
    const key = newKey();
    await hold(session, key);
    const other = session.call(claim(key, { wait: 50 }));
    const cancelled = session.call(claim(key, { wait: 50 }));
    await untilSumIs([quiet], CALLS, 2);
    session.cancel();
    expect(answerAs(await cancelled, "error").code).toBe(Code.CANCELLED);
    await untilSumIs([quiet], CALLS, 1);
    session.cancel();
    session[Symbol.dispose]();
    expect(await other).toBeNull();
    await untilGone();
  });

  test("is gone when its client uses an id twice, which ends the stream with INVALID_ARGUMENT", async () => {
    using session = openSession(quiet.grpc);
    const key = newKey();
    await hold(session, key);
    const waiting = session.call(claim(key, { wait: 50 }));
    await untilSumIs([quiet], CALLS, 1);
    session.send({ id: 2n, call: claim(newKey()) });
    expect(await waiting).toBeNull();
    expect(await session.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: "id must not be the id of a call that is still open on this stream",
    });
    await untilGone();
  });

  test("gets no lease when its connection broke before", async () => {
    await using proxy = await startTcpProxy(addressOf(quiet.grpc));
    using holder = openSession(server.grpc);
    using breaking = openSession(`127.0.0.1:${proxy.port}`);
    const key = newKey();
    const handle = await hold(holder, key);
    void breaking.call(claim(key, { wait: 50 }));
    await untilSumIs([quiet], CALLS, 1);
    proxy.cut();
    await untilGone();
    await holder.call(release(handle));
    expect((await look(key)).state).toBe(RecordState.AVAILABLE);
  });
});

function addressOf(address: string) {
  const { hostname: host, port } = new URL(`http://${address}`);
  return { host, port: Number(port) };
}
