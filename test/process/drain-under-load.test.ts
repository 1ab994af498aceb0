import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient, type Holdfast } from "../../src/client/client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { ownAddresses } from "./own-address.ts";
import { startServer } from "./server.ts";
import { until } from "./waiting-calls.ts";

/** Of each way to call: once on a key of its own, once on one that eight race for, a wait for what another does. */
const LOOPS = 16;
const RACERS = 8;
const ROUNDS = 4;
/** Pieces of work that every loop does before a server is told to go, and again before the next one is. */
const PIECES = 2;
const SCOPE = "drain-under-load";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database?.drop();
});

/** What all loops have done together. */
interface Tally {
  readonly failures: unknown[];
  /** How often the work of each key was run. */
  readonly runs: Map<string, number>;
  /** Pieces done, by loop. */
  readonly done: number[];
  /** Ends the loops, and what they wait for that nobody will do. */
  readonly over: AbortController;
}

const OVER = new Error("the test is over");

function startLoop(tally: Tally, piece: (count: number) => Promise<void>): Promise<void> {
  const loop = tally.done.push(0) - 1;
  return (async () => {
    for (let count = 1; !tally.over.signal.aborted; count++) {
      await piece(count).catch((error: unknown) => {
        if (error !== OVER) tally.failures.push(error);
      });
      tally.done[loop] = count;
    }
  })();
}

/** What the work returns is what everybody is told, now and later. */
async function doOnce(holdfast: Holdfast, tally: Tally, key: string): Promise<void> {
  const { value } = await holdfast.once({ scope: SCOPE, key, input: null }, () => {
    tally.runs.set(key, (tally.runs.get(key) ?? 0) + 1);
    return { of: key };
  });
  expect(value).toEqual({ of: key });
}

async function hear(holdfast: Holdfast, { over: { signal } }: Tally, key: string): Promise<void> {
  expect(await holdfast.result({ scope: SCOPE, key }, { signal })).toEqual({ of: key });
}

/** Two servers behind fixed addresses, one of which is replaced in each round, and clients who know both. */
test("SIGTERM under load: no call fails after the client's retries, and the server ends with 0 within the grace", async () => {
  await using opened = new AsyncDisposableStack();
  const places = await ownAddresses(2);
  const start = async (args: readonly string[] = []) =>
    opened.use(await startServer({ databaseUrl: database.url, args }));
  const servers = [await start(places[0]), await start(places[1])];
  const addresses = servers.map(({ grpc }) => grpc);
  const tally: Tally = { failures: [], runs: new Map(), done: [], over: new AbortController() };
  const loops: Promise<void>[] = [];
  const open = (options: Parameters<typeof createClient>[0]) => opened.use(createClient(options));

  for (let i = 0; i < LOOPS; i++) {
    const grpc = open({ addresses });
    loops.push(startLoop(tally, (count) => doOnce(grpc, tally, `own-${i}-${count}`)));
    const racer = open({ addresses });
    const group = Math.floor(i / RACERS);
    loops.push(startLoop(tally, (count) => doOnce(racer, tally, `raced-${group}-${count}`)));
    const waiter = open({ addresses });
    loops.push(startLoop(tally, (count) => hear(waiter, tally, `own-${i}-${count}`)));
    // One server each, over HTTP: while that is away there is nobody to turn to.
    const baseUrl = servers[i % 2]?.http ?? "";
    const http = open({ transport: createConnectTransport({ baseUrl, httpVersion: "1.1" }) });
    const call = i % 4 < 2 ? (key: string) => doOnce(http, tally, key) : (key: string) => hear(http, tally, key);
    loops.push(startLoop(tally, (count) => call(i % 4 < 2 ? `http-${i}-${count}` : `own-${i}-${count}`)));
  }
  // Before the clients are closed: a loop that goes on with a closed one lets nothing else run.
  opened.defer(() => tally.over.abort(OVER));

  for (let round = 0; round < ROUNDS; round++) {
    const before = [...tally.done];
    await until(() => tally.done.every((count, loop) => count >= (before[loop] ?? 0) + PIECES));
    const going = servers[round % 2];
    if (going === undefined) throw new Error("bug: no such server");
    going.signal("SIGTERM");
    expect(await going.exited).toEqual({ code: 0, signal: null });
    // Within the grace: otherwise the calls that were left would have been cut off.
    expect(await going.logged("stopped")).toMatchObject({ clean: true });
    expect(tally.failures).toEqual([]);
    servers[round % 2] = await start(places[round % 2]);
  }

  tally.over.abort(OVER);
  await Promise.all(loops);
  expect(tally.failures).toEqual([]);
  expect([...tally.runs.entries()].filter(([, runs]) => runs !== 1)).toEqual([]);
});
