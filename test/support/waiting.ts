import type { Clock } from "../../src/clock.ts";
import type { Peeked } from "../../src/domain/calls.ts";
import { keyText, type RecordKey } from "../../src/domain/key.ts";
import type { Store } from "../../src/store/store.ts";
import { createHub, type Hub, WAIT_LIMITS, type WaitLimits } from "../../src/waiting/hub.ts";
import { silentWaitingObserver, type WaitingObserver } from "../../src/waiting/observer.ts";
import type { Waiter } from "../../src/waiting/waiter.ts";
import { createWakingStore } from "../../src/waiting/waking-store.ts";

export interface LoneWaiting {
  /** Wakes those who wait in the hub. */
  readonly store: Store;
  readonly hub: Hub;
  readonly waiting: WaitingObserver;
}

/** What a server has that waits by itself: nobody notifies it, and nobody else uses its store. */
export function waitAlone(
  deps: { readonly store: Store; readonly clock: Clock },
  limits: Partial<WaitLimits> = {},
  waiting = silentWaitingObserver,
): LoneWaiting {
  const { store, clock } = deps;
  const hub = createHub({
    ...{ store, clock, observer: waiting },
    random: () => 0.5,
    limits: { ...WAIT_LIMITS, ...limits },
  });
  return { store: createWakingStore({ store, hub, notifier: { notify() {} } }), hub, waiting };
}

export type StoreCall = "claim" | "heartbeat" | "finish" | "peek" | "watch";

/** Where one call is held: before it is sent, or when it has been answered and the answer is not known yet. */
export interface Stop {
  /** Resolves when a call has come here. */
  readonly reached: Promise<void>;
  /** Lets it on. */
  go(): void;
  /** It is answered with this instead. */
  fail(error: unknown): void;
}

export interface StoppingStore {
  readonly store: Store;
  /** Calls that were made, those included that are held or failed. */
  readonly counts: Readonly<Record<StoreCall, number>>;
  /** Holds the next call of this kind that has no stop yet, for this record or for any. */
  stop(where: "before" | "after", call: StoreCall, key?: RecordKey): Stop;
}

/** A store whose calls are counted and can be held, so that a test decides in which order things happen. */
export function createStoppingStore(store: Store): StoppingStore {
  const counts = { claim: 0, heartbeat: 0, finish: 0, peek: 0, watch: 0 };
  const stops = new Map<string, HeldStop[]>();
  const take = (name: string): HeldStop | undefined => {
    const waiting = stops.get(name);
    const stop = waiting?.shift();
    if (waiting?.length === 0) stops.delete(name);
    return stop;
  };
  const pass = async (where: "before" | "after", call: StoreCall, key: RecordKey) => {
    if (stops.size === 0) return;
    const stop = take(`${where} ${call} ${keyText(key)}`) ?? take(`${where} ${call}`);
    stop?.reach();
    await stop?.gone;
  };
  const stopping = <Call, Answer>(
    name: StoreCall,
    call: (call: Call, deadline: number) => Promise<Answer>,
    keyOf: (call: Call) => RecordKey,
  ) => {
    return async (asked: Call, deadline: number): Promise<Answer> => {
      counts[name]++;
      await pass("before", name, keyOf(asked));
      const answer = await call(asked, deadline);
      await pass("after", name, keyOf(asked));
      return answer;
    };
  };
  const ofCall = ({ key }: { readonly key: RecordKey }) => key;
  return {
    store: {
      ...store,
      claim: stopping("claim", store.claim, ofCall),
      heartbeat: stopping("heartbeat", store.heartbeat, ofCall),
      finish: stopping("finish", store.finish, ofCall),
      peek: stopping("peek", store.peek, (key) => key),
      watch: stopping("watch", store.watch, ofCall),
    },
    counts,
    stop(where, call, key) {
      const name = key === undefined ? `${where} ${call}` : `${where} ${call} ${keyText(key)}`;
      const stop = createStop();
      stops.set(name, [...(stops.get(name) ?? []), stop]);
      return stop;
    },
  };
}

interface HeldStop extends Stop {
  reach(): void;
  readonly gone: Promise<void>;
}

function createStop(): HeldStop {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const { promise: gone, resolve: go, reject: fail } = Promise.withResolvers<void>();
  gone.catch(() => undefined); // A test may fail a stop that nothing comes to.
  return { reached, reach, gone, go, fail };
}

/** Looks on and wishes for nothing. */
export interface Onlooker extends Waiter {
  /** Everything that it was shown. */
  readonly seen: readonly Peeked[];
  /** The states among it; null: absent. */
  readonly states: readonly (string | null)[];
  readonly isDismissed: boolean;
}

/** @param onSeen called with each reading; may leave the hub */
export function createOnlooker(onSeen: (seen: Peeked) => void = () => undefined): Onlooker {
  const seen: Peeked[] = [];
  let isDismissed = false;
  return {
    seen,
    get states() {
      return seen.map(({ record }) => record?.state ?? null);
    },
    get isDismissed() {
      return isDismissed;
    },
    see(news) {
      seen.push(news);
      onSeen(news);
      return "wait";
    },
    claim() {
      throw new Error("bug: an onlooker wishes for nothing");
    },
    dismiss() {
      isDismissed = true;
    },
  };
}
