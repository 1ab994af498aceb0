import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type CallEvent,
  type ClientOptions,
  createClient,
  type Holdfast,
  type HoldfastError,
} from "../../src/client/client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { newKey } from "./callers.ts";
import { type ServerProcess, startServer } from "./server.ts";

const SCOPE = "safety";

let database: TestDatabase;
let server: ServerProcess;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

function open(options: ClientOptions): Holdfast {
  const holdfast = createClient({ onWarning: () => undefined, ...options });
  cleanups.push(() => holdfast.close());
  return holdfast;
}

async function proxied(): Promise<{ proxy: TcpProxy; address: string }> {
  const [host = "", port = ""] = server.grpc.split(":");
  const proxy = await startTcpProxy({ host, port: Number(port) });
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  return { proxy, address: `127.0.0.1:${proxy.port}` };
}

const job = () => ({ scope: SCOPE, key: newKey().key, input: { cents: 3 } });
const failsOpen = { whenUnavailable: "fail-open" } as const;
const never = (): never => {
  throw new Error("this must not run");
};
const thrown = (promise: Promise<unknown>): Promise<HoldfastError> =>
  promise.then(
    () => Promise.reject(new Error("it resolved")),
    (error) => error,
  );

describe("work that fails open", () => {
  test.each(["grpc", "session"] as const)("over %s: is protected, then is not, and is again", async (transport) => {
    const { proxy, address } = await proxied();
    const holdfast = open({ address, transport, breaker: { failures: 2, openMs: 100, failOpenAfterMs: 1_000 } });
    const first = job();
    expect(await holdfast.once({ ...first, ...failsOpen }, () => 1)).toMatchObject({ value: 1, protected: true });
    await proxy.refuse();
    proxy.cut();
    expect(await holdfast.once({ ...job(), ...failsOpen }, ({ isProtected }) => isProtected)).toMatchObject({
      ...{ value: false, protected: false, attempt: 0 },
    });
    await proxy.accept();
    await vi.waitFor(
      async () =>
        expect(await holdfast.once({ ...first, ...failsOpen }, () => 2)).toMatchObject({ replayed: true, value: 1 }),
      { timeout: 20_000, interval: 50 },
    );
    expect(holdfast.breaker.state).toBe("closed");
  });

  test("behind a network that loses everything without a word does not wait for longer than it was told", async () => {
    const { proxy, address } = await proxied();
    const holdfast = open({ address, breaker: { failOpenAfterMs: 300 } });
    await holdfast.once({ ...job(), ...failsOpen }, () => 1);
    proxy.hold();
    expect((await holdfast.once({ ...job(), ...failsOpen }, () => 1)).protected).toBe(false);
  });

  test("with a key that is no good does not run, and the error says what to look at", async () => {
    const strict = await startServer({ databaseUrl: database.url, args: ["--auth", "api-key"] });
    cleanups.push(() => strict[Symbol.asyncDispose]());
    for (const apiKey of ["hf_nobody", undefined]) {
      const holdfast = open({ address: strict.grpc, ...(apiKey !== undefined && { apiKey }) });
      const error = await thrown(holdfast.once({ ...job(), ...failsOpen }, never));
      expect(error).toMatchObject({ name: "CredentialsInvalidError", reason: "CREDENTIALS_INVALID" });
      expect(error.remedy).toContain("`apiKey` or `token`");
    }
  });
});

describe("a server that vanishes", () => {
  test("while it is waited at is an error when the total time is over, and the work does not run", async () => {
    const { proxy, address } = await proxied();
    const holder = open({ address: server.grpc });
    const own = job();
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<number>();
    const holding = holder.once(own, () => {
      begun.resolve();
      return end.promise;
    });
    await begun.promise;
    const retry = { totalTimeoutMs: 500 };
    const isInProgress = Promise.withResolvers<void>();
    const hooks = { onCall: ({ code }: CallEvent) => void (code === 0 && isInProgress.resolve()) };
    const waiting = thrown(open({ address, retry, hooks }).once({ ...own, ...failsOpen }, never));
    await isInProgress.promise;
    const observing = open({ address, retry }).waitFor([own]);
    expect((await observing.next()).value).toMatchObject({ kind: "snapshot" });
    await proxy.refuse();
    proxy.cut();
    for (const error of [await waiting, await thrown(observing.next())]) {
      expect(error).toMatchObject({ name: "TransportError", reason: "" });
      expect(error.remedy).toContain("addresses");
    }
    end.resolve(1);
    expect((await holding).value).toBe(1);
  });
});

describe("what is no server of Holdfast", () => {
  test("its own HTTP port, and a server that talks of something else, are told by where to look", async () => {
    const talker = createServer((socket) =>
      socket.on("error", () => undefined).end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    );
    await listen(talker);
    const address = talker.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    for (const wrong of [`127.0.0.1:${address.port}`, server.http.replace("http://", "")]) {
      const holdfast = open({ address: wrong, retry: { totalTimeoutMs: 300 } });
      const error = await thrown(holdfast.once(job(), never));
      expect(error).toMatchObject({ name: "TransportError", reason: "" });
      expect(error.remedy).toMatch(/address/);
    }
  });
});

test("a wall clock that jumps by a day, and back, changes nothing", async () => {
  const holdfast = open({ address: server.grpc });
  const DAY_MS = 86_400_000;
  let offMs = 0;
  const real = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => real() + offMs);
  for (const byMs of [DAY_MS, -DAY_MS, 0]) {
    const own = job();
    const done = await holdfast.once({ ...own, leaseMs: 3_000 }, async (attempt) => {
      offMs = byMs;
      await attempt.checkpoint({ page: 1 });
      expect(attempt.leaseRemainingMs()).toBeGreaterThan(0);
      return attempt.number;
    });
    expect(done).toMatchObject({ value: 1, replayed: false });
    expect(await holdfast.once(own, never)).toMatchObject({ value: 1, replayed: true });
  }
});

async function listen(talker: Server): Promise<void> {
  await new Promise<void>((resolve) => talker.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => talker.close());
}
