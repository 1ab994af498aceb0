import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import { keyText, type RecordKey } from "../domain/key.ts";
import type { Tenant } from "../domain/tenant.ts";
import type { Store } from "../store/store.ts";
import { createEntry, type Entry } from "./entry.ts";
import type { WaitingObserver } from "./observer.ts";
import { createTally } from "./tally.ts";
import type { Waiter } from "./waiter.ts";
import { type WakeId, wakeId } from "./wake-id.ts";

/** Who waits for what on this server. */
export interface Hub {
  /**
   * Counts a call that waits, until it is disposed of, by how many waiters it will have. Throws `Fault`: QUOTA_WAITERS
   * when the tenant would have too many here, DRAINING when the server shuts down.
   */
  admit(tenant: Tenant, waiters: number): Disposable;
  /**
   * From now on the waiter sees the record as it is and becomes, until it leaves.
   * Throws `Fault` QUOTA_WAITERS when the tenant's calls wait for too many records here.
   */
  join(key: RecordKey, waiter: Waiter): Joined;
  /** A call on this server has changed the record. */
  wake(key: RecordKey): void;
  /** Some server has changed records of these ids. */
  notified(ids: readonly WakeId[]): void;
  /**
   * Whether notifications arrive. When they begin to, whatever is waited for is read again: it may have changed while
   * nobody listened.
   */
  setListening(isListening: boolean): void;
  readonly isListening: boolean;
  /** All waiters are to leave, and nobody is admitted any more. */
  drain(): void;
  status(): { readonly calls: number; readonly waiters: number; readonly keys: number };
  /** Aborted when it is disposed of. */
  readonly closed: AbortSignal;
  /** Ends the backstop. */
  [Symbol.dispose](): void;
}

/** Where waiters of one record are; the same for all of them. */
export interface Joined {
  /** At any time, and as often as one likes. */
  leave(waiter: Waiter): void;
}

export interface HubDeps {
  /** Plain: what it changes is not passed on to other servers. */
  readonly store: Pick<Store, "peek" | "watch">;
  readonly clock: Clock;
  readonly observer: WaitingObserver;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly limits: WaitLimits;
}

export interface WaitLimits {
  /** Of one tenant: each of its calls counts once for each record that it waits for. Its own limit can only be lower. */
  readonly waitersMax: number;
  /** Records that calls of one tenant wait for. */
  readonly keysMax: number;
  /** A record that was not read for so long is read although nobody has said that it changed. Infinity: never. */
  readonly backstopMs: number;
  /** The same while no notifications arrive. */
  readonly pollMs: number;
}

export const WAIT_LIMITS: WaitLimits = { waitersMax: 10_000, keysMax: 2_000, backstopMs: 1_000, pollMs: 250 };

/**
 * The records that are due are looked for so often in a period, which spreads their reads over it. From 4/5 of a period
 * on a record can be due, by lot, so that servers do not read in step; at its end it is, and is found 1/5 later at most.
 */
const LOOKS = 5;
/** How long the backstop sleeps when it is off: until somebody asks how often it should look. */
const LOOK_MS_MAX = 1_000;

const CLOSED = new Error("the hub is closed");

export function createHub(deps: HubDeps): Hub {
  const { clock, random, limits } = deps;
  const entries = new Map<string, Entry>();
  const entriesOfId = new Map<WakeId, Set<Entry>>();
  const admitted = createTally();
  const keys = createTally();
  const stopping = new AbortController();
  let isListening = false;
  let isLooking = false;
  let isDraining = false;

  const open = (key: RecordKey, name: string): Entry => {
    if (keys.of(key.tenant) >= limits.keysMax) {
      throw new Fault("QUOTA_WAITERS", `the calls of a tenant may wait for ${limits.keysMax} records here`);
    }
    const id = wakeId(key);
    const counted = keys.count(key.tenant);
    const entry = createEntry(key, {
      ...deps,
      isListening: () => isListening,
      onEmpty() {
        entries.delete(name);
        forget(id, entry);
        counted[Symbol.dispose]();
      },
    });
    entries.set(name, entry);
    entriesOfId.set(id, (entriesOfId.get(id) ?? new Set<Entry>()).add(entry));
    if (!isLooking) void look();
    return entry;
  };

  const forget = (id: WakeId, entry: Entry) => {
    const same = entriesOfId.get(id);
    same?.delete(entry);
    if (same?.size === 0) entriesOfId.delete(id);
  };

  const look = async () => {
    isLooking = true;
    while (entries.size > 0 && !stopping.signal.aborted) {
      const periodMs = isListening ? limits.backstopMs : Math.min(limits.pollMs, limits.backstopMs);
      const lookMs = Math.min(periodMs / LOOKS, LOOK_MS_MAX);
      await clock.sleep(lookMs, stopping.signal).catch(() => undefined);
      const olderMs = periodMs * (1 - random() / LOOKS);
      for (const entry of entries.values()) entry.ringIfOlder(olderMs);
    }
    isLooking = false;
  };

  return {
    admit({ id, limits: own }, waiters) {
      if (isDraining) throw new Fault("DRAINING", "this server is shutting down; another one answers");
      const max = own.waiters > 0 ? Math.min(own.waiters, limits.waitersMax) : limits.waitersMax;
      if (admitted.of(id) + waiters > max) {
        throw new Fault(
          "QUOTA_WAITERS",
          `a tenant may have ${max} waiters here, one for each record that a call waits for`,
        );
      }
      return admitted.count(id, waiters);
    },

    join(key, waiter) {
      const name = keyText(key);
      const entry = entries.get(name) ?? open(key, name);
      entry.join(waiter);
      return entry;
    },

    wake(key) {
      if (entries.size > 0) entries.get(keyText(key))?.ring("local");
    },

    notified(ids) {
      for (const id of ids) for (const entry of entriesOfId.get(id) ?? []) entry.ring("notified");
    },

    setListening(listens) {
      if (listens === isListening) return;
      isListening = listens;
      for (const entry of entries.values()) entry.ring("polled");
    },

    get isListening() {
      return isListening;
    },

    drain() {
      isDraining = true;
      for (const entry of [...entries.values()]) entry.dismiss();
    },

    status() {
      let waiters = 0;
      for (const { size } of entries.values()) waiters += size;
      return { calls: admitted.size, waiters, keys: entries.size };
    },

    closed: stopping.signal,

    [Symbol.dispose]: () => stopping.abort(CLOSED),
  };
}
