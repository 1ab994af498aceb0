import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ClientOptions, createClient, fingerprint, type Holdfast } from "../../src/client/client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { spawnNode } from "./client-process.ts";
import { sumOf, untilSumIs } from "./metrics-page.ts";
import { ownAddresses } from "./own-address.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { CALLS } from "./server-pair.ts";
import { claimOf, until } from "./waiting-calls.ts";

const SCOPE = "session";
const SESSIONS = "holdfast_sessions";
/** Pieces of work under way at a time. */
const LOOPS = 24;

let database: TestDatabase;
const cleanups: (() => unknown)[] = [];

/** Those that no test ends. */
let servers: readonly [ServerProcess, ServerProcess];

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await Promise.all([start(), start()]);
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(async () => {
  await Promise.all((servers ?? []).map((server) => server.stop()));
  await database?.drop();
});

const start = (args: readonly string[] = []) => startServer({ databaseUrl: database.url, args });

/** One for this test alone. */
async function startOwn(args: readonly string[] = []): Promise<ServerProcess> {
  const server = await start(args);
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

async function proxyTo({ grpc }: ServerProcess): Promise<{ proxy: TcpProxy; address: string }> {
  const [host = "", port = ""] = grpc.split(":");
  const proxy = await startTcpProxy({ host, port: Number(port) });
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  return { proxy, address: `127.0.0.1:${proxy.port}` };
}

function open(options: ClientOptions): Holdfast {
  const holdfast = createClient({ transport: "session", ...options });
  cleanups.push(() => holdfast.close());
  return holdfast;
}

/** Works on new keys until it is told to stop, or something goes wrong. Two want every other key. */
function load(holdfast: Holdfast, name: string) {
  const runs = new Map<string, number>();
  const underWay = new Set<string>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let done = 0;
  let isOver = false;
  const loop = async (number: number) => {
    for (let count = 0; !isOver; count++) {
      const key = `${name} ${count % 2 === 0 ? number : Math.floor(number / 2)} ${count}`;
      underWay.add(`${key} of ${number}`);
      try {
        const { value } = await holdfast.once({ scope: SCOPE, key, input: null }, () => {
          runs.set(key, (runs.get(key) ?? 0) + 1);
          return { of: key };
        });
        expect(value).toEqual({ of: key });
      } catch (error) {
        failed.reject(error);
        isOver = true;
      }
      underWay.delete(`${key} of ${number}`);
      done++;
    }
  };
  const loops = Array.from({ length: LOOPS }, (_, number) => loop(number));
  return {
    /** While it goes on, and nothing fails. */
    during: <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, failed.promise]),
    /** For whoever wonders why it does not end. */
    standing: () => `${done} pieces are done, ${[...underWay].join(", ") || "none"} under way`,
    /** So many more pieces are done. */
    async more(pieces: number) {
      const goal = done + pieces;
      await Promise.race([until(() => done >= goal || isOver), failed.promise]);
    },
    /** How often each key's work was run that was not run once. */
    async end() {
      isOver = true;
      await Promise.race([Promise.all(loops), failed.promise]);
      return [...runs].filter(([, times]) => times !== 1);
    },
  };
}

describe("once() over sessions", () => {
  test("uses one for each server, whose calls overtake each other, and gives them up when it is done", async ({
    signal,
    annotate,
  }) => {
    const holdfast = open({ addresses: servers.map(({ grpc }) => grpc) });
    const work = load(holdfast, "plain");
    signal.addEventListener("abort", () => void annotate(work.standing()));
    await work.more(200);
    await work.during(untilSumIs(servers, SESSIONS, 2));
    expect(await work.end()).toEqual([]);
    await untilSumIs(servers, SESSIONS, 0);
    expect((await holdfast.once({ scope: SCOPE, key: "plain 0 0", input: null }, () => null)).replayed).toBe(true);
  });

  test("loses and doubles nothing when connections break in the middle of calls", async () => {
    const [server] = servers;
    const { proxy, address } = await proxyTo(server);
    const work = load(open({ address }), "broken");
    for (let cut = 0; cut < 8; cut++) {
      await work.more(60);
      proxy.cut();
    }
    await work.more(60);
    await work.during(untilSumIs([server], SESSIONS, 1));
    expect(await work.end()).toEqual([]);
  });

  test("loses and doubles nothing when a server is killed, and the other one goes on", async () => {
    const dies = await startOwn();
    const work = load(open({ addresses: [servers[0].grpc, dies.grpc] }), "killed");
    await work.more(100);
    dies.signal("SIGKILL");
    await work.more(100);
    expect(await work.end()).toEqual([]);
  });

  test("goes through a rolling restart of two servers, of which each ends clean", async () => {
    const places = await ownAddresses(2);
    const rolled = await Promise.all(places.map((place) => startOwn(place)));
    const work = load(open({ addresses: rolled.map(({ grpc }) => grpc) }), "rolling");
    for (const turn of [0, 1]) {
      await work.more(100);
      const going = rolled[turn];
      if (going === undefined) throw new Error("bug: no such server");
      going.signal("SIGTERM");
      expect(await going.exited).toEqual({ code: 0, signal: null });
      expect(await going.logged("stopped")).toMatchObject({ clean: true });
      rolled[turn] = await startOwn(places[turn]);
      await work.during(untilSumIs(rolled, SESSIONS, 2));
    }
    expect(await work.end()).toEqual([]);
  });
});

describe("a claim that waits on a session", () => {
  test("is answered when the holder ends, while others are answered before it", async () => {
    const [server] = servers;
    const holdfast = open({ address: server.grpc });
    const finish = Promise.withResolvers<void>();
    const job = { scope: SCOPE, key: "waited for", input: null };
    const holding = holdfast.once(job, () => finish.promise.then(() => "done"));
    const work = load(holdfast, "meanwhile");
    await work.during(untilSumIs([server], SESSIONS, 1));
    const waiting = holdfast.once(job, () => "never");
    await untilSumIs([server], CALLS, 1);
    await work.more(50);
    finish.resolve();
    expect(await waiting).toMatchObject({ value: "done", replayed: true });
    await holding;
    expect(await work.end()).toEqual([]);
  });

  test("frees the server's waiter when its caller goes", async () => {
    const [server] = servers;
    const holdfast = open({ address: server.grpc });
    const key = { scope: SCOPE, key: "given up" };
    const holder = { ...claimOf(key), fingerprint: fingerprint(null) };
    do await holdfast.rpc.claim(holder);
    while ((await sumOf([server], SESSIONS)) === 0);
    const controller = new AbortController();
    const waiting = holdfast.once({ ...key, input: null, signal: controller.signal }, () => "never");
    waiting.catch(() => undefined);
    await untilSumIs([server], CALLS, 1);
    controller.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    await untilSumIs([server], CALLS, 0);
    await untilSumIs([server], SESSIONS, 0);
  });
});

test("a process that uses a session ends by itself", async () => {
  const [server] = servers;
  const options = JSON.stringify({ scope: SCOPE, key: "by itself", workMs: 0, transport: "session" });
  const worker = spawnNode(["test/process/client-worker.ts", server.grpc, options]);
  expect(await worker.line({ event: "done" })).toMatchObject({ replayed: false });
  expect(await worker.exit).toBe(0);
});
