import { connect, createServer, type Server, type Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { createGrpcTransport as createConnectNodeTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test } from "vitest";
import { createClient, fingerprint, type Holdfast, toHoldfastError } from "../../../src/client/client.ts";
import { systemClock } from "../../../src/clock.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { Endpoint } from "../../../src/rpc/endpoint.ts";
import { type Listening, serveGrpc } from "../../../src/server/grpc.ts";
import { ROOM } from "../../../src/server/limits.ts";
import { createRoom } from "../../../src/server/room.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createFakeServer, type FakeServer } from "./fake-server.ts";

const job = { scope: "charge", key: "evt_1", input: null } as const;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Listens with the real handlers over one memory store; `deadline`s and the network are real, leases stand still. */
async function serve(
  server = createFakeServer(),
  endpoints = server.endpoints,
): Promise<{ address: string; listening: Listening }> {
  const limits = { tls: null, maxConnectionAgeMs: 300_000, maxConcurrentStreams: 100, room: createRoom(ROOM) };
  const clock = { ...systemClock, monotonicMs: server.clock.monotonicMs };
  const listening = await serveGrpc({ host: "127.0.0.1", port: 0 }, { endpoints, clock, log: silentLog, ...limits });
  cleanups.push(() => listening.destroy());
  return { address: `127.0.0.1:${listening.address.port}`, listening };
}

/** The same handlers, which say where a claim arrives, and when its caller has gone or it is answered. */
function labelled({ endpoints }: FakeServer, name: string, seen: string[]): readonly Endpoint[] {
  return endpoints.map((endpoint) => {
    if (endpoint.kind !== "unary" || endpoint.method.localName !== "claim") return endpoint;
    const call: typeof endpoint.call = async (request, context) => {
      seen.push(name);
      try {
        const answer = await endpoint.call(request, context);
        seen.push(`${name} answered`);
        return answer;
      } catch (error) {
        seen.push(`${name} gone`);
        throw error;
      }
    };
    return { ...endpoint, call };
  });
}

/** Of what happens on the other side of a connection. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function client(options: Parameters<typeof createClient>[0]): Holdfast {
  const holdfast = createClient({ retry: { baseDelayMs: 5, maxDelayMs: 50 }, ...options });
  cleanups.push(() => holdfast.close());
  return holdfast;
}

/** Forwards connections; `cut()` drops every connection, `answers` says whether the server's bytes get through. */
async function proxy(target: string) {
  const sockets = new Set<Socket>();
  const state = { answers: true, connections: 0 };
  const [host = "", port = ""] = target.split(":");
  const server: Server = createServer((near) => {
    state.connections++;
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on("data", (bytes) => {
      if (state.answers) near.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(() => {
    cut();
    return new Promise((resolve) => server.close(resolve));
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("not listening");
  return { address: `127.0.0.1:${bound.port}`, state, sockets, cut };
}

describe("the gRPC transport", () => {
  test("carries once() over a real connection", async () => {
    const { address } = await serve();
    const holdfast = client({ address });
    expect(await holdfast.once(job, ({ number }) => ({ number }))).toMatchObject({ value: { number: 1 } });
    expect(await holdfast.once(job, () => null)).toMatchObject({ value: { number: 1 }, replayed: true });
  });

  test("decodes reason and violations from grpc-status-details-bin", async () => {
    const { address } = await serve();
    const { rpc } = client({ address });
    const wire = await rpc.claim({ key: { scope: "s", key: "" }, claimId: "short" }).catch((thrown) => thrown);
    expect(wire).toBeInstanceOf(ConnectError);
    const error = toHoldfastError(wire);
    expect(error).toMatchObject({ reason: "FIELD_INVALID", code: Code.InvalidArgument, retryAfterMs: undefined });
    expect(error.violations.map(({ field }) => field)).toEqual(expect.arrayContaining(["key.key", "claim_id"]));
  });

  test("says the same as connect's own transport, which may be handed in", async () => {
    const { address } = await serve();
    const theirs = client({ transport: createConnectNodeTransport({ baseUrl: `http://${address}` }) });
    const ours = client({ address });
    expect(await theirs.once(job, () => "value")).toMatchObject({ value: "value", replayed: false });
    expect(await ours.once(job, () => "other")).toMatchObject({ value: "value", replayed: true });
    const mismatch = { ...job, input: 1 };
    const errors = await Promise.all(
      [ours, theirs].map((each) => each.once(mismatch, () => 1).catch((thrown) => thrown)),
    );
    expect(errors.map(({ name, reason, code, message }) => [name, reason, code, message])).toEqual(
      Array(2).fill(["FingerprintMismatchError", "FINGERPRINT_MISMATCH", Code.AlreadyExists, errors[0].message]),
    );
  });

  test("streams from the server, and ends a stream with the server's error", async () => {
    const { address } = await serve();
    const { rpc } = client({ address });
    const events = rpc.waitFor({ targets: [{ key: { scope: "s", key: "k" } }] })[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { event: { case: "snapshot", value: { absent: true } } } });
    const refused = rpc.waitFor({ targets: [] })[Symbol.asyncIterator]();
    const error = await refused.next().catch(toHoldfastError);
    expect(error).toMatchObject({ reason: "FIELD_INVALID", code: Code.InvalidArgument });
  });

  test("ends a stream whose signal is aborted, here and on the server", async () => {
    const server = createFakeServer();
    const { address } = await serve(server);
    const { rpc } = client({ address });
    const controller = new AbortController();
    const request = { targets: [{ key: { scope: "s", key: "k" } }] };
    const events = rpc.waitFor(request, { signal: controller.signal })[Symbol.asyncIterator]();
    await events.next();
    expect(server.hub.status()).toMatchObject({ calls: 1 });
    controller.abort(new Error("no longer wanted"));
    await expect(events.next()).rejects.toMatchObject({ code: Code.Canceled });
    await until(() => server.hub.status().calls === 0);
  });

  test("ends a stream with UNAVAILABLE and the address when its server dies, or was never there", async () => {
    const wire = await proxy((await serve()).address);
    const { rpc } = client({ address: wire.address, addresses: ["127.0.0.1:1"] });
    const open = () => rpc.waitFor({ targets: [{ key: { scope: "s", key: "k" } }] })[Symbol.asyncIterator]();
    const events = open();
    await events.next();
    const nobody = open().next();
    await expect(nobody).rejects.toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringContaining("at 127.0.0.1:1: "),
    });
    wire.cut();
    await expect(events.next()).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("keeps the error of a stream that nobody reads yet", async () => {
    const { rpc } = client({ address: "127.0.0.1:1" });
    const events = rpc.waitFor({ targets: [{ key: { scope: "s", key: "k" } }] })[Symbol.asyncIterator]();
    await rpc.getRecord({}).catch(() => undefined);
    await rpc.getRecord({}).catch(() => undefined);
    await expect(events.next()).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("cancels a call whose signal is aborted, before and while it is under way", async () => {
    const { address } = await serve();
    const held = await proxy(address);
    held.state.answers = false;
    const { rpc } = client({ address: held.address });
    const controller = new AbortController();
    const call = rpc.getRecord({ key: { scope: "s", key: "k" } }, { signal: controller.signal });
    controller.abort(new Error("no longer wanted"));
    await expect(call).rejects.toMatchObject({ code: Code.Canceled });
    const again = rpc.getRecord({ key: { scope: "s", key: "k" } }, { signal: controller.signal });
    await expect(again).rejects.toMatchObject({ code: Code.Canceled });
  });

  test("ends a call at its deadline when no answer comes", async () => {
    const { address } = await serve();
    const held = await proxy(address);
    held.state.answers = false;
    const { rpc } = client({ address: held.address });
    const call = rpc.getRecord({ key: { scope: "s", key: "k" } }, { timeoutMs: 50 });
    await expect(call).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  });
});

describe("a network", () => {
  test("that fails between the server's deed and its answer has nothing done twice", async () => {
    const server = createFakeServer();
    const { address } = await serve(server);
    const wire = await proxy(address);
    const holdfast = client({ address: wire.address });
    let runs = 0;
    for (const lost of ["claim", "complete"]) {
      const key = `lost ${lost}`;
      const arrived = Promise.withResolvers<void>();
      const claim = server.store.claim;
      const finish = server.store.finish;
      const losing = <T>(answer: T): T => {
        wire.state.answers = false;
        arrived.resolve();
        return answer;
      };
      Object.assign(server.store, {
        claim: async (...args: Parameters<typeof claim>) =>
          lost === "claim" ? losing(await claim(...args)) : claim(...args),
        finish: async (...args: Parameters<typeof finish>) =>
          lost === "complete" ? losing(await finish(...args)) : finish(...args),
      });
      const done = holdfast.once({ ...job, key }, () => ++runs);
      await arrived.promise;
      Object.assign(server.store, { claim, finish });
      // The server has acted; the connection breaks before the client hears of it.
      wire.cut();
      wire.state.answers = true;
      expect(await done).toMatchObject({ value: runs, replayed: false, attempt: 1 });
    }
    expect(runs).toBe(2);
  });

  test("that fails for one of several addresses has the others asked", async () => {
    const server = createFakeServer();
    const { address: a } = await serve(server);
    const { address: b, listening } = await serve(server);
    const holdfast = client({ addresses: [a, b, "127.0.0.1:1"] });
    for (let i = 0; i < 6; i++) await holdfast.once({ ...job, key: `before ${i}` }, () => i);
    listening.destroy();
    for (let i = 0; i < 6; i++) {
      expect(await holdfast.once({ ...job, key: `after ${i}` }, () => i)).toMatchObject({ value: i });
    }
  });

  test("that reaches no server is told by an error that names every address it tried", async () => {
    const retry = { baseDelayMs: 5, maxDelayMs: 10, totalTimeoutMs: 200 };
    const holdfast = client({ addresses: ["127.0.0.1:1", "127.0.0.1:2"], retry });
    const error = await holdfast.once(job, () => 1).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: "TransportError", code: Code.Unavailable });
    expect(error.message).toMatch(/^Unavailable: no server answered at 127\.0\.0\.1:1, 127\.0\.0\.1:2: .*ECONNREFUSED/);
  });

  test("that swallows a call is told by an error that names its address, and no other", async () => {
    const { address } = await serve();
    const held = await proxy(address);
    held.state.answers = false;
    const { rpc } = client({ addresses: [held.address, address] });
    const call = () => rpc.resolveTenant({ selector: { case: "tenantId", value: "default" } }, { timeoutMs: 50 });
    await expect(call()).rejects.toMatchObject({ rawMessage: expect.stringMatching(`at ${held.address}: `) });
  });

  test("that carries a server's refusal has it told as it was", async () => {
    const server = createFakeServer();
    const { address } = await serve(server);
    server.admission = new Fault("DRAINING", "going away");
    const retry = { totalTimeoutMs: 50 };
    const error = await client({ address, retry })
      .once(job, () => 1)
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ reason: "DRAINING", message: "DRAINING: going away" });
  });

  test("of several addresses has the calls go round", async () => {
    const { address } = await serve();
    const [one, two] = [await proxy(address), await proxy(address)];
    const { rpc } = client({ addresses: [one.address, two.address] });
    for (let i = 0; i < 4; i++) await rpc.resolveTenant({ selector: { case: "tenantId", value: "default" } });
    expect([one.state.connections, two.state.connections]).toEqual([1, 1]);
  });
});

describe("a claim that waits", () => {
  const held = { scope: job.scope, key: job.key };
  const somebody = { key: held, claimId: "somebody-who-works", fingerprint: fingerprint(job.input) };

  test("is cancelled and asked about at the same server, in this order", async () => {
    const server = createFakeServer();
    const seen: string[] = [];
    const addresses = await Promise.all(
      ["a", "b", "c"].map(async (name) => (await serve(server, labelled(server, name, seen))).address),
    );
    const holdfast = client({ addresses: addresses as [string, string, string] });
    await holdfast.rpc.claim(somebody);
    for (let i = 0; i < 4; i++) {
      seen.splice(0);
      const controller = new AbortController();
      const giving = holdfast.once({ ...job, signal: controller.signal }, () => 1).catch((thrown) => thrown);
      await until(() => server.hub.status().waiters === 1);
      controller.abort(new Error("gone"));
      expect(await giving).toMatchObject({ message: "gone" });
      await until(() => seen.length === 4);
      const [first = ""] = seen;
      expect(seen).toEqual([first, `${first} gone`, first, `${first} answered`]);
    }
  });

  test("past a try's time does not make its server one that is silent", async () => {
    const server = createFakeServer();
    const { address } = await serve(server);
    const holdfast = client({ addresses: [address, "127.0.0.1:1"], retry: { tryTimeoutMs: 100, baseDelayMs: 1 } });
    await holdfast.rpc.claim(somebody);
    const waiting = holdfast.once(job, () => 1).catch((thrown) => thrown);
    await until(() => server.hub.status().waiters === 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.hub.status()).toMatchObject({ calls: 1, waiters: 1 });
    const error = await holdfast.rpc.getRecord({}).catch((thrown) => thrown);
    expect(error.rawMessage).not.toContain(address);
    await holdfast.close();
    expect(await waiting).toMatchObject({ reason: "CLOSED" });
  });
});

describe("close()", () => {
  test("leaves no connection behind, and refuses further calls", async () => {
    const { address } = await serve();
    const wire = await proxy(address);
    const holdfast = client({ address: wire.address });
    await holdfast.once(job, () => 1);
    expect(wire.sockets.size).toBe(2);
    const gone = Promise.all(
      [...wire.sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    );
    await holdfast.close();
    await gone;
    expect(wire.sockets.size).toBe(0);
    await expect(holdfast.rpc.getRecord({})).rejects.toMatchObject({ code: Code.Canceled });
  });
});
