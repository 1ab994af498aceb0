import { randomBytes } from "node:crypto";
import {
  type ClientOptions,
  type ConnectionOptions,
  createClient,
  type Holdfast,
  type Warning,
} from "../client/client.ts";
import { wallClockMs } from "../clock.ts";
import { addMs, type Instant } from "../domain/instant.ts";
import { DEFAULT_TENANT } from "../domain/tenant.ts";
import { createShelf } from "../store/memory/shelf.ts";
import { createMemoryStore } from "../store/memory.ts";
import { createConnection } from "./connection.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createIncarnation } from "./incarnation.ts";
import type { Listening } from "./listening.ts";
import { createMishaps } from "./mishaps.ts";
import { createNetwork } from "./network.ts";
import { createProcess, type TestProcess } from "./process.ts";
import { createRecords, type TestRecords } from "./records.ts";
import { createTestClock, type TestClock } from "./test-clock.ts";
import { createManualTime, createRealTime } from "./time.ts";

export type { Faults, Method } from "./faults.ts";
export type { Listening } from "./listening.ts";
export type { TestRecord, TestRecords } from "./records.ts";
export type { TestClock } from "./test-clock.ts";

export interface TestServerOptions {
  /**
   * Default "manual": time stands still but for `clock.advance` and `clock.until`, for the server and for its clients.
   * "real": it passes by itself, as for clients of other processes it does anyway.
   */
  readonly clock?: "manual" | "real";
  /** Whose records it keeps. Default: one, "default", which is that of clients who name none. */
  readonly tenants?: readonly [string, ...string[]];
}

/** What a client of a test server can be told; where the server is and what time it is, it knows. */
export type TestClientOptions = Omit<ClientOptions, keyof ConnectionOptions | "clock">;

/**
 * A server of its own for each test: the service's own rules over records in memory, reached without a network. Nothing
 * is durable, there is no authentication, and there are no limits but those on what one call may carry.
 *
 * @example
 * await using server = createTestServer();
 * const holdfast = server.client();
 */
export interface TestServer extends AsyncDisposable {
  /** A client of its own process, which may be killed. It need not be closed: the server's end is its end. */
  client(options?: TestClientOptions): Holdfast;
  /** For code that makes its client by itself: `createClient({ ...server.clientOptions(), tenant })`. */
  clientOptions(): Required<Pick<ClientOptions, "transport" | "clock">>;
  readonly clock: TestClock;
  readonly faults: Faults;
  readonly records: TestRecords;
  /** What clients of `client()` have warned of, unless they were given an `onWarning` of their own. */
  readonly warnings: readonly Warning[];
  /** Lets clients of other processes and languages in, on free ports of this machine. Its faults are theirs too. */
  listen(): Promise<Listening>;
  /** Ends the server and kills its clients: what they have promised and not kept never settles. */
  close(): Promise<void>;
}

/** What a manual clock shows at first. */
const START = Date.UTC(2026, 0, 1);

/** @throws TypeError for options that there are not */
export function createTestServer({ clock = "manual", tenants = [DEFAULT_TENANT] }: TestServerOptions = {}): TestServer {
  if (clock !== "manual" && clock !== "real") {
    throw new TypeError(`clock must be "manual" or "real", and not ${JSON.stringify(clock)}`);
  }
  const [tenant] = tenants as readonly string[];
  if (tenant === undefined) throw new TypeError("tenants must be at least one");
  const time = clock === "manual" ? createManualTime() : createRealTime();
  const startMs = time.monotonicMs();
  const start = addMs(0, clock === "manual" ? START : wallClockMs());
  const now = (): Instant => Math.round(addMs(start, time.monotonicMs() - startMs));

  const shelf = createShelf();
  const store = createMemoryStore({ now, shelf, newToken: () => randomBytes(16) });
  const begin = () => createIncarnation({ process: createProcess(time.inner), store, tenants });
  let incarnation = begin();
  const server = () => incarnation;
  const restart = () => {
    incarnation.kill();
    incarnation = begin();
  };

  const mishaps = createMishaps();
  const network = createNetwork({ server, mishaps, clock: time, stir: time.stir });
  const processes = new Map<Holdfast, TestProcess>();
  const unnamed: TestProcess[] = [];
  const warnings: Warning[] = [];
  const open: Listening[] = [];

  const wire = (process: TestProcess) => ({
    transport: createConnection(network, process),
    clock: process.clock,
  });

  const close = async () => {
    for (const process of [...processes.values(), ...unnamed]) process.kill();
    incarnation.kill();
    network.isUp = false;
    network.cut();
    await Promise.all(open.map((listening) => listening.close()));
  };

  const isKilled = (client: Holdfast) => {
    const process = processes.get(client);
    process?.kill();
    return process !== undefined;
  };

  return {
    client(options = {}) {
      const process = createProcess(time);
      const onWarning = (warning: Warning) => void warnings.push(warning);
      const client = mortal(createClient({ onWarning, ...options, ...wire(process) }), process);
      processes.set(client, process);
      return client;
    },
    clientOptions() {
      const process = createProcess(time);
      unnamed.push(process);
      return wire(process);
    },
    clock: createTestClock(time, now),
    faults: createFaults({
      ...{ network, mishaps, shelf, now, tenant, server, restart },
      kill: isKilled,
      settle: time.settle,
    }),
    records: createRecords({ shelf, now, tenant, sweep: () => incarnation.sweep() }),
    warnings,
    async listen() {
      const { listen } = await import("./listening.ts");
      const listening = await listen({ network, methods: incarnation.endpoints });
      open.push(listening);
      return listening;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Who is dead has nothing to wait for. */
function mortal(client: Holdfast, { killed }: TestProcess): Holdfast {
  const close = async () => {
    if (killed.aborted) return;
    const death = Promise.withResolvers<void>();
    const die = () => death.resolve();
    killed.addEventListener("abort", die, { once: true });
    await Promise.race([client.close(), death.promise]);
    killed.removeEventListener("abort", die);
  };
  const ends = { close, [Symbol.asyncDispose]: close, [Symbol.dispose]: () => void close() };
  // Not by value: what a client shows of itself may change.
  const own = { ...Object.getOwnPropertyDescriptors(client), ...Object.getOwnPropertyDescriptors(ends) };
  return Object.defineProperties({}, own) as Holdfast;
}
