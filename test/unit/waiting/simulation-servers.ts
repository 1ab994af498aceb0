import type { Clock } from "../../../src/clock.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { type Claim, createClaim } from "../../../src/operations/claim.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { plainRuntime } from "../../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../../src/tenants/static.ts";
import { createHub, type Hub, WAIT_LIMITS } from "../../../src/waiting/hub.ts";
import { silentWaitingObserver } from "../../../src/waiting/observer.ts";
import type { WakeId } from "../../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import { freshToken } from "../../support/records.ts";
import { createHistory, type History, instantOf } from "./simulation-history.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What can go wrong. Shares from 0 to 1. */
export interface Faults {
  readonly backstopMs: number;
  /** Calls to the store that fail, half of them after they took effect. */
  readonly failing: number;
  readonly lost: number;
  readonly doubled: number;
  /** Ends whose server dies between the commit and everything that it would have told. */
  readonly crashing: number;
  /** Listeners lose their connection now and then, notice it later, and then get a new one. */
  readonly deaf: boolean;
}

/** A fault in the code, put between the parts of one server. */
export interface Mutation {
  readonly reads?: (store: Store) => Store;
  readonly clock?: (clock: Clock) => Clock;
  readonly hub?: (hub: Hub) => Hub;
  readonly waking?: typeof createWakingStore;
}

/** Made anew for each server. */
export type Mutate = () => Mutation;

export interface SimulatedServer {
  readonly hub: Hub;
  readonly store: Store;
  readonly claim: Claim;
}

export interface SimulatedServers {
  readonly servers: readonly [SimulatedServer, ...SimulatedServer[]];
  /** As a server uses it that dies before it tells anybody. */
  readonly dying: Store;
  readonly history: History;
}

/** Mostly fast, now and then slow: so that one thing overtakes another, or falls in the middle of it. */
export const LATENCY_MS_MAX = 30;
const FAST_MS = 1;
const SLOW_SHARE = 0.5;
/** From when a listener's connection is lost to when it is noticed, and from then to when the next one listens. */
const UNNOTICED_MS_MAX = 2_000;
const DEAF_MS_MAX = 3_000;

/** Servers that share one store and one channel, each some milliseconds away from them. */
export function createServers(time: VirtualTime, count: number, faults: Faults, mutate: Mutate): SimulatedServers {
  const history = createHistory(time);
  const memory = history.watch(createMemoryStore({ now: () => instantOf(time.monotonicMs()), newToken: freshToken }));
  const ears: ((id: WakeId) => void)[] = [];
  const notifier = {
    notify(id: WakeId) {
      for (const hear of ears) {
        if (time.chance(faults.lost)) continue;
        const times = time.chance(faults.doubled) ? 2 : 1;
        for (let i = 0; i < times; i++) void time.sleep(latencyMs(time)).then(() => hear(id));
      }
    },
  };
  const createServer = (index: number): SimulatedServer => {
    const { reads = same, clock = same, hub: wrap = same, waking = createWakingStore } = mutate();
    const slow = createSlowStore(memory, time, faults);
    const hub = wrap(
      createHub({
        store: history.readings(index, reads(slow)),
        clock: clock(time),
        observer: silentWaitingObserver,
        random: time.random,
        limits: { ...WAIT_LIMITS, backstopMs: faults.backstopMs },
      }),
    );
    ears.push(createEar(time, hub, faults.deaf));
    const store = waking({ store: slow, hub, notifier });
    const claim = createClaim({
      ...{ clock: time, waiting: silentWaitingObserver, newToken: freshToken },
      tenants: createStaticTenants(plainRuntime({ hub, store: history.claims(index, store) })),
      admission: () => null,
    });
    return { hub, store, claim };
  };
  const others = Array.from({ length: count - 1 }, (_, i) => i + 1);
  const servers: [SimulatedServer, ...SimulatedServer[]] = [createServer(0), ...others.map(createServer)];
  return { servers, dying: createSlowStore(memory, time, faults), history };
}

function same<T>(value: T): T {
  return value;
}

function latencyMs(time: VirtualTime): number {
  return time.between(0, time.chance(SLOW_SHARE) ? LATENCY_MS_MAX : FAST_MS);
}

/** A request and its answer take time each, and either can be lost. */
function createSlowStore(store: Store, time: VirtualTime, { failing }: Faults): Store {
  const slow =
    <Args extends readonly unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      await time.sleep(latencyMs(time));
      if (time.chance(failing / 2)) throw new Fault("STORE_UNAVAILABLE", "the request was lost");
      const answer = await call(...args);
      await time.sleep(latencyMs(time));
      if (time.chance(failing / 2)) throw new Fault("STORE_UNAVAILABLE", "the answer was lost");
      return answer;
    };
  return {
    claim: slow(store.claim),
    heartbeat: slow(store.heartbeat),
    finish: slow(store.finish),
    peek: slow(store.peek),
    watch: slow(store.watch),
    sweep: slow(store.sweep),
    list: slow(store.list),
    history: slow(store.history),
    release: slow(store.release),
    resolve: slow(store.resolve),
    reset: slow(store.reset),
    purge: slow(store.purge),
  };
}

/** A listener: what it hears goes to the hub while its connection is there. */
function createEar(time: VirtualTime, hub: Hub, isDeaf: boolean): (id: WakeId) => void {
  let isConnected = true;
  hub.setListening(true);
  const lose = async () => {
    for (;;) {
      await time.sleep(time.between(100, 4_000));
      isConnected = false;
      await time.sleep(time.between(0, UNNOTICED_MS_MAX));
      hub.setListening(false);
      await time.sleep(time.between(0, DEAF_MS_MAX));
      isConnected = true;
      await time.sleep(latencyMs(time));
      hub.setListening(true);
    }
  };
  if (isDeaf) void lose();
  return (id) => {
    if (isConnected) hub.notified([id]);
  };
}
