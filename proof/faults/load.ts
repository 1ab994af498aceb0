import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport, type GrpcTransport } from "../../src/client/grpc-transport.ts";
import type { Rpc } from "../../src/client/runtime.ts";
import { canaryOf } from "../history/canaries.ts";
import { runCaller } from "../history/load/caller.ts";
import { lookAtLast } from "../history/load/last-look.ts";
import { createRandom, type Random } from "../history/load/random.ts";
import type { Recorder } from "../history/recorder.ts";
import { createKeys } from "./load/keys.ts";
import { createTally } from "./load/tally.ts";
import { timed } from "./load/timed.ts";
import type { Stand } from "./stand/stand.ts";

export interface LoadOptions {
  readonly callers: number;
  /** How many keys are worked on at a time; they are turned over every `generationMs`, so that most are fresh. */
  readonly keys: number;
  readonly generationMs: number;
  /** One caller in so many uses a session. 0: none. */
  readonly sessionEvery: number;
  readonly cutShare: number;
  readonly oversleepShare: number;
  readonly waitShare: number;
}

/** Callers on all servers, each of its own connection, recorded. */
export interface Load {
  /** Calls answered so far, and how they went. */
  readonly calls: number;
  /** How many calls are open. */
  readonly open: number;
  /** How long calls took that were answered between two instants of performance.now(), of one server or of all. */
  latencies(window: { readonly fromMs: number; readonly toMs: number; readonly server?: string }): {
    readonly calls: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
    /** Answered with success, or with a refusal that is the contract's own. */
    readonly answered: number;
    /** UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED and the like. */
    readonly failed: number;
  };
  /** When a call to this server, made after that instant of performance.now(), first succeeded; waits for it, a minute at most. */
  firstSuccessAfter(atMs: number, server: string): Promise<number>;
  /** Keys of the load as they are now, to aim at. */
  keysNow(): readonly string[];
}

export interface RunningLoad extends Load, AsyncDisposable {
  /** How many calls were answered INTERNAL. */
  readonly internal: number;
  /** No caller turns to anything new; resolves when all have ended what they were at, or with false after so long. */
  end(withinMs: number): Promise<boolean>;
  /** Reads every record once everything is over. */
  lookAtLast(): Promise<void>;
}

export interface LoadDeps extends LoadOptions {
  readonly stand: Stand;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly scope: string;
}

export const USUAL_LOAD: LoadOptions = {
  ...{ callers: 36, keys: 16, generationMs: 2_500, sessionEvery: 4 },
  ...{ cutShare: 0.03, oversleepShare: 0.08, waitShare: 0.2 },
};

/** With more of them each key has more calls that are open at once, and the judges take longer. */
export const FULL_LOAD: LoadOptions = { ...USUAL_LOAD, callers: 64, keys: 24 };

/** While its server is down, a caller need not ask fifty times a second: each answer that there is none is a riddle. */
const DOWN_PAUSE_MS = 800;
/** So many generations later nobody works on a key any more, but for old holders now and then. */
const LOOK_AFTER = 4;

/** Begins at once. What a caller should never be told makes `end` reject. */
export function startLoad({ stand, recorder, random, scope, ...options }: LoadDeps): RunningLoad {
  const { callers, sessionEvery, cutShare, oversleepShare, waitShare } = options;
  const tenants = ["", ...stand.options.tenants];
  const keys = createKeys(options);
  const tally = createTally();
  const transports: GrpcTransport[] = [];
  const clients: { readonly rpc: Rpc; readonly tenant: string }[] = [];
  let isOver = false;

  const work = Array.from({ length: callers }, async (_, i) => {
    const server = stand.servers[i % stand.servers.length];
    const tenant = tenants[Math.floor(i / stand.servers.length) % tenants.length] ?? "";
    if (server === undefined) throw new Error("bug: a stand without servers");
    const sessions = sessionEvery > 0 && Math.floor(i / stand.servers.length) % sessionEvery === 0;
    const transport = createGrpcTransport({ addresses: [server.address], sessions });
    transports.push(transport);
    const recorded = recorder.wrap(transport, { client: `${scope}-${i}`, server: server.address });
    const rpc = createClient(IdempotencyService, timed(recorded, tally, server.name));
    clients.push({ rpc, tenant });
    const own = createRandom(Math.floor(random() * 2 ** 32));
    const sleep = (ms: number) => pause(server.isRunning ? ms : ms + DOWN_PAUSE_MS * own());
    const caller = { rpc, random: own, scope, tenant, sleep, cutShare, oversleepShare, waitShare };
    const canary = canaryOf(tenant === "" ? "default" : tenant);
    await runCaller({ ...caller, canary, keyName: () => keys.pick(own, tenant), isOver: () => isOver });
  });
  const all = Promise.all(work);
  all.catch(() => undefined); // It is told by `end`.

  /** What nobody works on any more, while the rest goes on: else what is lost early is forgotten before the last look. */
  const lookBack = async () => {
    for (let generation = 0; !isOver; ) {
      await pause(100);
      if (keys.generation() < generation + LOOK_AFTER) continue;
      for (const tenant of tenants) await look(clients, scope, tenant, keys.namesOf(generation, tenant));
      generation++;
    }
  };
  const looking = lookBack();
  looking.catch(() => undefined);

  return {
    get calls() {
      return tally.calls;
    },
    get open() {
      return tally.open;
    },
    get internal() {
      return tally.internal;
    },
    latencies: tally.latencies,
    // A row whose calls are all its own is left to see for itself.
    firstSuccessAfter: (atMs, server) =>
      callers === 0 ? Promise.resolve(atMs) : tally.firstSuccessAfter(atMs, server),
    keysNow: keys.now,
    async end(withinMs) {
      isOver = true;
      const ended = Promise.all([all, looking]).then(() => true);
      return await Promise.race([ended, pause(withinMs, false, { ref: false })]);
    },
    async lookAtLast() {
      for (const tenant of tenants) await look(clients, scope, tenant, keys.allOf(tenant));
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      for (const transport of transports) transport.close();
    },
  };
}

const LOOKERS = 8;

/** Some at a time, each with another caller's connection. */
async function look(
  clients: readonly { readonly rpc: Rpc; readonly tenant: string }[],
  scope: string,
  tenant: string,
  names: Iterable<string>,
): Promise<void> {
  const own = clients.filter((client) => client.tenant === tenant);
  const rest = [...names];
  await Promise.all(
    Array.from({ length: LOOKERS }, async (_, i) => {
      const rpc = own[i % own.length]?.rpc;
      if (rpc === undefined) return;
      const some = rest.filter((_, at) => at % LOOKERS === i);
      await lookAtLast({ rpc, scope, tenant, names: some });
    }),
  );
}
