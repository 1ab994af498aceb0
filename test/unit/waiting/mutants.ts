import { hasEnded } from "../../../src/domain/record.ts";
import { wakeId } from "../../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import { BRIEF, CALM, DEAF, type Profile } from "./simulation.ts";
import type { Mutate } from "./simulation-servers.ts";

/** A server that lacks one of the things for which no wake-up is missed. */
export interface Mutant {
  readonly name: string;
  readonly mutate: Mutate;
  /** The world in which that shows. */
  readonly profile: Profile;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "registers its waiters only when the record has been read",
    profile: BRIEF,
    mutate() {
      let reading = 0;
      return {
        reads: (store) => ({
          ...store,
          async peek(key, deadline) {
            reading++;
            try {
              return await store.peek(key, deadline);
            } finally {
              reading--;
            }
          },
        }),
        hub: (hub) => ({
          ...hub,
          wake: (key) => (reading > 0 ? undefined : hub.wake(key)),
          notified: (ids) => (reading > 0 ? undefined : hub.notified(ids)),
        }),
      };
    },
  },
  {
    name: "flags whatever is not flagged, without a look at the state in which it was read",
    profile: BRIEF,
    mutate: () => ({
      reads: (store) => ({
        ...store,
        async watch({ key }, deadline) {
          const { record } = await store.peek(key, deadline);
          if (record === null || record.hasWaiters) return false;
          // A flag on what has ended is of no use to anybody: nothing comes after it.
          if (hasEnded(record)) return true;
          return await store.watch({ key, state: record.state, fence: record.lease.fence }, deadline);
        },
      }),
    }),
  },
  {
    name: "notifies before the end has committed",
    profile: CALM,
    mutate: () => ({
      waking(deps) {
        const { store, hub, notifier } = deps;
        return {
          ...createWakingStore(deps),
          finish(call, deadline) {
            hub.wake(call.key);
            notifier.notify(wakeId(call.key));
            return store.finish(call, deadline);
          },
        };
      },
    }),
  },
  {
    name: "does not read again when it listens again",
    profile: DEAF,
    mutate: () => ({
      hub: (hub) => ({ ...hub, setListening: (isListening) => (isListening ? hub.setListening(true) : undefined) }),
    }),
  },
  {
    name: "does not wake its own waiters",
    profile: CALM,
    mutate: () => ({ hub: (hub) => ({ ...hub, wake() {} }) }),
  },
  {
    name: "has no timer for the end of a lease or a delay",
    profile: CALM,
    mutate: () => ({
      clock: (clock) => ({
        ...clock,
        sleep: (ms, signal) => (OTHER_TIMERS_MS.has(ms) ? clock.sleep(ms, signal) : new Promise(() => {})),
      }),
    }),
  },
  {
    name: "notifies nobody of what is flagged",
    profile: CALM,
    mutate: () => ({ waking: (deps) => createWakingStore({ ...deps, notifier: { notify() {} } }) }),
  },
];

/** After a failure; and the hub's look at what is due while the backstop is off, or while nobody listens. */
const OTHER_TIMERS_MS = new Set([250, 1_000, 50]);
