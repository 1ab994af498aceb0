import { Code, ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { IdempotencyService } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { fingerprint, toHoldfastError } from "../../../../src/client/client.ts";
import { serviceDefinition } from "../../../../src/server/service-definition.ts";
import { startTcpProxy, type TcpProxy } from "../../../support/tcp-proxy.ts";
import { open, type Served, serve, until, untilCarried } from "./stand.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const job = { scope: "charge", key: "evt_1", input: null } as const;
const claimOf = (key: string, claimId = `the-only-claim-of-${key}`) => ({ key: { scope: "charge", key }, claimId });

async function behindProxy({ listening }: Served): Promise<{ proxy: TcpProxy; address: string }> {
  const proxy = await startTcpProxy({ host: "127.0.0.1", port: listening.address.port });
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  return { proxy, address: `127.0.0.1:${proxy.port}` };
}

describe('transport: "session"', () => {
  test("has once() make its calls on a session, but those that come before it is open", async () => {
    const served = await serve(cleanups);
    const holdfast = open(cleanups, { address: served.address });
    await untilCarried(holdfast, served);
    expect(await holdfast.once(job, () => "done")).toMatchObject({ value: "done", replayed: false });
    expect(await holdfast.once(job, () => "again")).toMatchObject({ value: "done", replayed: true });
    await holdfast.rpc.getRecord({ key: { scope: job.scope, key: job.key } });
    expect(served.ways()).toEqual(["session claim", "session complete", "session claim", "alone getRecord"]);
  });

  test("tells an error as a call on its own does", async () => {
    const served = await serve(cleanups);
    const holdfast = open(cleanups, { address: served.address });
    const alone = open(cleanups, { address: served.address, transport: "grpc" });
    await untilCarried(holdfast, served);
    const wrong = { key: { scope: "s", key: "" }, claimId: "short" };
    const [one, other] = await Promise.all(
      [holdfast, alone].map(({ rpc }) => rpc.claim(wrong).catch((error) => error)),
    );
    expect(served.ways().toSorted()).toEqual(["alone claim", "session claim"]);
    expect(one).toBeInstanceOf(ConnectError);
    const shown = ({ code, message, rawMessage, details }: ConnectError) => ({ code, message, rawMessage, details });
    expect(shown(one)).toEqual(shown(other));
    expect(one.metadata.get("grpc-status-details-bin")).toBe(other.metadata.get("grpc-status-details-bin"));
    expect(toHoldfastError(one)).toMatchObject({ reason: "FIELD_INVALID", code: Code.InvalidArgument });
    expect(toHoldfastError(one).violations).toEqual(toHoldfastError(other).violations);
  });

  test("tells when the server says to come again", async () => {
    const served = await serve(cleanups, { refuse: ({ way }) => (way === "session" ? "STORE_UNAVAILABLE" : null) });
    const holdfast = open(cleanups, { address: served.address });
    await holdfast.rpc.claim(claimOf("a"));
    let refused: unknown;
    while (refused === undefined) {
      refused = await holdfast.rpc.claim(claimOf("b")).then(
        () => undefined,
        (error) => error,
      );
    }
    expect(toHoldfastError(refused)).toMatchObject({ code: Code.Unavailable, reason: "STORE_UNAVAILABLE" });
    expect(toHoldfastError(refused).retryAfterMs).toBeGreaterThan(0);
  });

  test("makes calls with headers of their own alone", async () => {
    const served = await serve(cleanups);
    const holdfast = open(cleanups, { address: served.address });
    await untilCarried(holdfast, served);
    await holdfast.rpc.claim(claimOf("a"), { headers: { "x-own": "1" } });
    await holdfast.rpc.claim(claimOf("b"), { headers: new Headers() });
    expect(served.ways()).toEqual(["alone claim", "session claim"]);
  });

  test("makes a call alone that cannot be encoded, for its error's sake, or is too large", async () => {
    const served = await serve(cleanups);
    const holdfast = open(cleanups, { address: served.address });
    await untilCarried(holdfast, served);
    const wrong = { ...claimOf("a"), lease: { seconds: 1n, nanos: 0.5 } };
    await expect(holdfast.rpc.claim(wrong)).rejects.toMatchObject({ code: Code.Internal });
    const large = { key: { scope: "charge", key: "k".repeat(200_000) }, claimId: "the-only-claim-of-a" };
    await expect(holdfast.rpc.claim(large)).rejects.toMatchObject({ code: Code.InvalidArgument });
    await holdfast.rpc.claim(claimOf("b"));
    expect(served.ways()).toEqual(["alone claim", "session claim"]);
  });

  test("keeps many calls within the limits of a server, and makes one too many that waits alone", async () => {
    const served = await serve(cleanups, { callsMax: 3, waitsMax: 2 });
    const holdfast = open(cleanups, { address: served.address });
    await untilCarried(holdfast, served);
    await Promise.all(Array.from({ length: 50 }, (_, i) => holdfast.rpc.claim(claimOf(`many ${i}`))));
    expect(new Set(served.ways())).toEqual(new Set(["session claim"]));
    await holdfast.rpc.claim({ ...claimOf("held"), fingerprint: fingerprint(1) });
    served.seen.splice(0);
    const controller = new AbortController();
    const waiting = [1, 2, 3].map((number) =>
      holdfast.rpc
        .claim(
          { ...claimOf("held", `who-waits-${number}-----`), fingerprint: fingerprint(1), wait: { seconds: 60n } },
          { signal: controller.signal },
        )
        .catch(({ code }) => code),
    );
    await until(() => served.server.hub.status().waiters === 3);
    expect(served.ways().toSorted()).toEqual(["alone claim", "session claim", "session claim"]);
    controller.abort();
    expect(await Promise.all(waiting)).toEqual(Array(3).fill(Code.Canceled));
    await until(() => served.server.hub.status().waiters === 0);
  });
});

describe("once()", () => {
  test("makes a thousand calls at once on the session: each claim could wait, and none has to go alone", async () => {
    const served = await serve(cleanups, { callsMax: 1_024, waitsMax: 10_000 });
    const holdfast = open(cleanups, { address: served.address });
    await untilCarried(holdfast, served);
    const made = Array.from({ length: 1_000 }, (_, i) => holdfast.once({ ...job, key: `fresh ${i}` }, () => i));
    expect((await Promise.all(made)).map(({ value }) => value)).toEqual(made.map((_, i) => i));
    expect(served.ways().filter((way) => !way.startsWith("session "))).toEqual([]);
    expect(served.seen).toHaveLength(2_000);
  });
});

describe("without a session", () => {
  test("as on a server that knows none, all goes on alone", async () => {
    const served = await serve(cleanups, { sessions: false });
    const holdfast = open(cleanups, { address: served.address });
    for (let i = 0; i < 5; i++) await holdfast.once({ ...job, key: `${i}` }, () => i);
    expect(new Set(served.ways())).toEqual(new Set(["alone claim", "alone complete"]));
  });

  test("as where something between holds the stream back, the same", async () => {
    const server = new grpc.Server();
    const definition = serviceDefinition(IdempotencyService);
    const streams: grpc.ServerDuplexStream<unknown, unknown>[] = [];
    server.addService(definition, {
      session: (call: grpc.ServerDuplexStream<unknown, unknown>) => streams.push(call),
      heartbeat: (_: unknown, answer: grpc.sendUnaryData<unknown>) =>
        answer(null, { $typeName: "holdfast.v1.HeartbeatResponse" }),
    });
    const port = await new Promise<number>((resolve, reject) => {
      const bound = (error: Error | null, own: number) => (error === null ? resolve(own) : reject(error));
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), bound);
    });
    cleanups.push(() => server.forceShutdown());
    const { rpc } = open(cleanups, { address: `127.0.0.1:${port}` });
    for (let i = 0; i < 5; i++) await rpc.heartbeat({});
    await until(() => streams.length === 1);
    for (let i = 0; i < 5; i++) await rpc.heartbeat({});
    expect(streams).toHaveLength(1);
  });

  test("as no server answers, an error names the address", async () => {
    const { rpc } = open(cleanups, { address: "127.0.0.1:1" });
    const error = await rpc.claim(claimOf("a")).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: Code.Unavailable, rawMessage: expect.stringContaining("at 127.0.0.1:1: ") });
  });
});

describe("a connection", () => {
  test("that breaks in the middle of a call ends it with UNAVAILABLE and the address, and once() makes it again", async () => {
    const served = await serve(cleanups);
    const { proxy, address } = await behindProxy(served);
    const holdfast = open(cleanups, { address });
    await untilCarried(holdfast, served);
    proxy.hold("to-client");
    const call = holdfast.rpc.claim(claimOf("lost")).catch((error) => error);
    const done = holdfast.once(job, ({ reason }) => reason);
    await until(() => served.seen.length === 2);
    proxy.cut();
    proxy.release();
    expect(await call).toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringContaining(`at ${address}: `),
    });
    expect(await done).toMatchObject({ value: "reattached", replayed: false, attempt: 1 });
  });

  test("that is silent ends a call by its time, names the address, and has the next ones made alone", async () => {
    const served = await serve(cleanups);
    const { proxy, address } = await behindProxy(served);
    const holdfast = open(cleanups, { address });
    await untilCarried(holdfast, served);
    proxy.hold("to-client");
    const late = await holdfast.rpc.claim(claimOf("late"), { timeoutMs: 1_000 }).catch((error) => error);
    expect(late).toMatchObject({ code: Code.DeadlineExceeded, rawMessage: expect.stringContaining(`at ${address}: `) });
    const next = holdfast.rpc.claim(claimOf("next"));
    proxy.release();
    await next;
    expect(served.ways()).toEqual(["session claim", "alone claim"]);
  });
});

describe("a claim that waits", () => {
  test("is cancelled and asked about at the same server, in this order", async () => {
    const notes: string[] = [];
    const first = await serve(cleanups, { note: (line) => notes.push(`a ${line}`) });
    const { server } = first;
    const second = await serve(cleanups, { server, note: (line) => notes.push(`b ${line}`) });
    const holdfast = open(cleanups, { addresses: [first.address, second.address] });
    await holdfast.rpc.claim({ ...claimOf(job.key), fingerprint: fingerprint(job.input) });
    for (const served of [first, second]) await untilCarried(holdfast, served);
    for (let i = 0; i < 4; i++) {
      notes.splice(0);
      const controller = new AbortController();
      const giving = holdfast.once({ ...job, signal: controller.signal }, () => 1).catch((thrown) => thrown);
      await until(() => server.hub.status().waiters === 1);
      controller.abort(new Error("gone"));
      expect(await giving).toMatchObject({ message: "gone" });
      await until(() => notes.length === 4);
      const [claim = ""] = notes;
      expect(claim).toMatch(/^[ab] session claim$/);
      expect(notes).toEqual([claim, `${claim} cancelled`, claim, `${claim} answered`]);
    }
  });
});

describe("a credential", () => {
  test("goes with the session, and another one opens another session", async () => {
    let token = "first";
    const served = await serve(cleanups, {
      refuse: ({ authorization }) => (authorization === `Bearer ${token}` ? null : "CREDENTIALS_INVALID"),
    });
    const holdfast = open(cleanups, { address: served.address, token: () => token });
    await untilCarried(holdfast, served);
    token = "second";
    await holdfast.rpc.claim(claimOf("a"));
    await untilCarried(holdfast, served);
    await holdfast.rpc.claim(claimOf("b"));
    expect(served.seen).toMatchObject([{ way: "session", authorization: "Bearer second" }]);
  });

  test("that a session is refused with is fetched once more, and the call is answered", async () => {
    let good = "first";
    const tokens = ["first", "first", "second"];
    const served = await serve(cleanups, {
      refuse: ({ authorization }) => (authorization === `Bearer ${good}` ? null : "CREDENTIALS_INVALID"),
    });
    let next = () => "first";
    const holdfast = open(cleanups, { address: served.address, token: () => next() });
    await untilCarried(holdfast, served);
    next = () => tokens.splice(0, 2).at(-1) ?? "second";
    good = "second";
    await holdfast.rpc.claim(claimOf("a"));
    expect(served.seen.map(({ way, authorization }) => [way, authorization])).toEqual([
      ["session", "Bearer first"],
      ["alone", "Bearer second"],
    ]);
  });
});
