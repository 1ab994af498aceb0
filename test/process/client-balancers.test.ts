import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ClientOptions, createClient, type Holdfast, type WaitEvent } from "../../src/client/client.ts";
import { createClient as createWebClient } from "../../src/client/web.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type HttpBalancer, startHttpBalancer } from "./http-balancer.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { until } from "./waiting-calls.ts";

type Retry = Pick<ClientOptions, "retry">;

interface Case {
  readonly what: string;
  readonly version: "1.1" | "2";
  open(address: string, options?: Retry): Holdfast;
}

const CASES: readonly Case[] = [
  {
    what: "connect through a balancer of HTTP/1.1",
    version: "1.1",
    open: (address, options) => createClient({ ...options, address, transport: "connect" }),
  },
  {
    what: "connect through a balancer of HTTP/2",
    version: "2",
    open: (address, options) => createClient({ ...options, address, transport: "connect", httpVersion: "2" }),
  },
  {
    what: "the web client through a balancer of HTTP/1.1",
    version: "1.1",
    open: (address, options) => createWebClient({ ...options, address }),
  },
];

let database: TestDatabase;
let lasting: ServerProcess;
let stack: AsyncDisposableStack;

const start = () => startServer({ databaseUrl: database.url });
const hostOf = ({ http }: ServerProcess) => new URL(http).host;

beforeAll(async () => {
  database = await createTestDatabase();
  lasting = await start();
});

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

afterAll(async () => {
  await lasting?.stop();
  await database?.drop();
});

describe.each(CASES)("$what", ({ what, version, open }) => {
  const balance = async (upstreams: readonly string[]): Promise<HttpBalancer> =>
    stack.use(await startHttpBalancer(upstreams, version));

  test("speaks that version of HTTP", async () => {
    const balancer = await balance([hostOf(lasting)]);
    await stack.use(open(balancer.address)).once({ scope: what, key: "version", input: null }, () => 1);
    expect([...balancer.asked.keys()]).toEqual([version === "2" ? "2.0" : "1.1"]);
  });

  test("loses and doubles nothing when connections are cut and a server is killed", async () => {
    const victim = stack.use(await start());
    const balancer = await balance([hostOf(victim), hostOf(lasting)]);
    const holdfast = stack.use(open(balancer.address));
    const runs = new Map<string, number>();
    let done = 0;
    let isOver = false;
    const loop = async (number: number) => {
      for (let count = 0; !isOver; count++) {
        // Each key is wanted by two.
        const key = `${Math.floor(number / 2)} ${count}`;
        const { value } = await holdfast.once({ scope: what, key, input: null }, () => {
          runs.set(key, (runs.get(key) ?? 0) + 1);
          return { of: key };
        });
        expect(value).toEqual({ of: key });
        done++;
      }
    };
    const loops = Promise.all(Array.from({ length: 8 }, (_, number) => loop(number)));
    const more = (pieces: number) => {
      const goal = done + pieces;
      return Promise.race([until(() => done >= goal), loops]);
    };
    for (let cuts = 0; cuts < 3; cuts++) {
      await more(10);
      balancer.cut();
    }
    await more(10);
    victim.signal("SIGKILL");
    await more(40);
    isOver = true;
    await loops;
    expect([...runs].filter(([, times]) => times !== 1)).toEqual([]);
  });

  test("goes on with waitFor when the balancer ends its connections, one after the other", async () => {
    const balancer = await balance([hostOf(lasting)]);
    const holdfast = stack.use(open(balancer.address));
    const events: WaitEvent[] = [];
    const reading = (async () => {
      for await (const event of holdfast.waitFor([{ scope: what, key: "watched" }])) events.push(event);
    })();
    const holder = stack.use(createClient({ address: lasting.grpc }));
    await holder.once({ scope: what, key: "watched", input: null }, async ({ checkpoint }) => {
      for (const page of [1, 2, 3]) {
        await checkpoint({ page });
        await until(() => events.some((event) => pageOf(event) === page));
        balancer.cut();
      }
      return "read";
    });
    await reading;
    expect(events.at(-1)).toMatchObject({ kind: "ended", end: { kind: "completed", value: "read", attempt: 1 } });
    expect(events.filter(({ kind }) => kind === "ended")).toHaveLength(1);
  });

  test("calls 502 of a balancer without servers what it is: nobody answered", async () => {
    const balancer = await balance(["127.0.0.1:9"]);
    const holdfast = stack.use(open(balancer.address, { retry: { totalTimeoutMs: 300 } }));
    const failed = holdfast.once({ scope: what, key: "nobody", input: null }, () => 1);
    await expect(failed).rejects.toMatchObject({ code: 14, message: expect.stringContaining("HTTP 502") });
  });
});

/** Also as a renewed stream tells it of what has changed meanwhile. */
function pageOf(event: WaitEvent): number | undefined {
  const told = event.kind === "snapshot" ? event.record?.checkpoint : event.kind === "checkpoint" && event.checkpoint;
  return told ? (told.data as { readonly page: number }).page : undefined;
}
