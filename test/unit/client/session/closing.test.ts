import { Code, createClient as createRpc } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { IdempotencyService } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { createClient, createGrpcTransport, type Rpc } from "../../../../src/client/client.ts";
import { systemClock } from "../../../../src/client/clock.ts";
import { startTcpProxy, type TcpProxy } from "../../../support/tcp-proxy.ts";
import { open, type Served, type ServeOptions, serve, until, untilCarried } from "./stand.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const claimOf = (key: string) => ({ key: { scope: "charge", key }, claimId: `the-only-claim-of-${key}` });

async function behindProxy({ listening }: Served): Promise<{ proxy: TcpProxy; address: string }> {
  const proxy = await startTcpProxy({ host: "127.0.0.1", port: listening.address.port });
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  return { proxy, address: `127.0.0.1:${proxy.port}` };
}

/** Two servers on one store. */
async function serveTwo(options: ServeOptions) {
  const first = await serve(cleanups, options);
  const second = await serve(cleanups, { ...options, server: first.server });
  const behind = [await behindProxy(first), await behindProxy(second)];
  return {
    both: [first, second],
    addresses: behind.map(({ address }) => address),
    /** No answer gets through. */
    hold() {
      for (const { proxy } of behind) proxy.hold("to-client");
    },
    release() {
      for (const { proxy } of behind) proxy.release();
    },
    connections: () => behind.reduce((sum, { proxy }) => sum + proxy.connections, 0),
  };
}

/** What becomes of so many claims that are made at once. */
function claimMany({ rpc }: { readonly rpc: Rpc }, count: number) {
  const fates = Array.from({ length: count }, (_, i) =>
    rpc.claim(claimOf(`many ${i}`)).then(
      () => "answered",
      ({ code, rawMessage }) => `${Code[code]}: ${rawMessage}`,
    ),
  );
  return async () => Object.keys(Object.groupBy(await Promise.all(fates), (fate) => fate));
}

describe("close()", () => {
  test("ends the session and the connection", async () => {
    const served = await serve(cleanups);
    const { proxy, address } = await behindProxy(served);
    const holdfast = open(cleanups, { address });
    await untilCarried(holdfast, served);
    expect(proxy.connections).toBe(1);
    await holdfast.close();
    await until(() => proxy.connections === 0);
    await expect(holdfast.rpc.claim(claimOf("a"))).rejects.toMatchObject({ code: Code.Canceled });
  });

  test("fails calls that nobody waits for the end of", async () => {
    const served = await serve(cleanups);
    const { proxy, address } = await behindProxy(served);
    const holdfast = open(cleanups, { address });
    await untilCarried(holdfast, served);
    proxy.hold("to-client");
    const call = holdfast.rpc.claim(claimOf("a"));
    await until(() => served.seen.length === 1);
    const failed = expect(call).rejects.toMatchObject({ code: Code.Canceled });
    await holdfast.close();
    await failed;
  });

  test("fails calls that are queued, at each of several servers", async () => {
    const { both, addresses, hold, release, connections } = await serveTwo({ callsMax: 1 });
    const holdfast = open(cleanups, { addresses });
    for (const served of both) await untilCarried(holdfast, served);
    hold();
    const fates = claimMany(holdfast, 20);
    await until(() => both.every(({ seen }) => seen.length > 0));
    await holdfast.close();
    expect(await fates()).toEqual(["Canceled: the client is closed"]);
    release();
    await until(() => connections() === 0);
  });

  test("the same by the end of a scope", async () => {
    const { both, addresses, hold, release, connections } = await serveTwo({ callsMax: 1 });
    let fates: ReturnType<typeof claimMany>;
    {
      using holdfast = createClient({ addresses, transport: "session" });
      for (const served of both) await untilCarried(holdfast, served);
      hold();
      fates = claimMany(holdfast, 20);
      await until(() => both.every(({ seen }) => seen.length > 0));
    }
    expect(await fates()).toEqual(["Canceled: the client is closed"]);
    release();
    await until(() => connections() === 0);
  });

  test("of a transport closes each connection, also when something throws", async () => {
    const { both, addresses, connections } = await serveTwo({});
    let isBroken = false;
    const clock = {
      ...systemClock,
      after(ms: number, callback: () => void) {
        const cancel = systemClock.after(ms, callback);
        return () => {
          cancel();
          if (isBroken) throw new Error("broken");
        };
      },
    };
    const [first = "", ...rest] = addresses;
    const transport = createGrpcTransport({ addresses: [first, ...rest], sessions: true, clock });
    const rpc = createRpc(IdempotencyService, transport);
    for (const served of both) {
      do await rpc.claim(claimOf(`${served.seen.length}`));
      while (served.seen.at(-1)?.way !== "session");
    }
    expect(connections()).toBe(2);
    isBroken = true;
    expect(() => transport.close()).toThrow(AggregateError);
    isBroken = false;
    await until(() => connections() === 0);
  });
});
