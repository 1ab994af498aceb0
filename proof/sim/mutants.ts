import { wakeId } from "../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../src/waiting/waking-store.ts";
import type { Mutation } from "./mutation.ts";
import type { WeatherName } from "./weather.ts";

/** A server, a database or a caller that lacks one of the things for which a promise holds. */
export interface Mutant {
  readonly id: string;
  /** A sentence about what it does. */
  readonly name: string;
  readonly mutation: Mutation;
  /** The weather in which it shows; absent: any. */
  readonly weather?: WeatherName;
}

/** After a failure; and the hub's look at what is due while the backstop is off, or while nobody listens. */
const OTHER_TIMERS_MS = new Set([250, 1_000, 50, 200]);

export const MUTANTS: readonly Mutant[] = [
  { id: "M1", name: "locks the rows of a batch in any order", mutation: { flaw: "unordered-locks" }, weather: "deaf" },
  {
    id: "M2",
    name: "judges leases by the clock of the server's machine",
    mutation: { server: () => ({ asOf: (wallClock) => wallClock }) },
  },
  { id: "M3", name: "takes an end whatever its token", mutation: { flaw: "no-token" } },
  { id: "M4", name: "takes an end whatever its fence", mutation: { flaw: "no-fence" } },
  {
    id: "M5",
    name: "registers its waiters only when the record has been read",
    weather: "brief",
    mutation: {
      server() {
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
            get isListening() {
              return hub.isListening;
            },
            wake: (key) => (reading > 0 ? undefined : hub.wake(key)),
            notified: (ids) => (reading > 0 ? undefined : hub.notified(ids)),
          }),
        };
      },
    },
  },
  { id: "M6", name: "flags a record whatever has become of it since it was read", mutation: { flaw: "blind-flag" } },
  {
    id: "M7",
    name: "notifies before the end has committed",
    mutation: {
      server: () => ({
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
  },
  {
    id: "M8",
    name: "does not read again when it listens again",
    weather: "deaf",
    mutation: {
      server: () => ({
        hub: (hub) => ({
          ...hub,
          get isListening() {
            return hub.isListening;
          },
          setListening: (isListening) => (isListening ? hub.setListening(true) : undefined),
        }),
      }),
    },
  },
  { id: "M9", name: "acknowledges an end before it is on any disk", mutation: { flaw: "lazy-ends" } },
  { id: "M10", name: "joins scope and key by a separator", mutation: { flaw: "joined-keys" } },
  { id: "M11", name: "takes the number of the attempt for a fence", mutation: { flaw: "attempt-as-fence" } },
  { id: "M12", name: "matches answers by their position", mutation: { flaw: "by-position" } },
  { id: "M13", name: "reads from a standby that lags", mutation: { flaw: "stale-reads" } },
  { id: "M14", name: "answers an end before it is committed", mutation: { flaw: "early-answers" } },
  { id: "M15", name: "purges what somebody holds", mutation: { flaw: "purge-live" } },
  { id: "M16", name: "names each try of a claim anew", mutation: { freshNonce: true } },
  {
    id: "S1",
    name: "does not wake its own waiters",
    mutation: {
      server: () => ({
        hub: (hub) => ({
          ...hub,
          get isListening() {
            return hub.isListening;
          },
          wake() {},
        }),
      }),
    },
  },
  {
    id: "S2",
    name: "has no timer for the end of a lease or a delay",
    mutation: {
      server: () => ({
        clock: (clock) => ({
          ...clock,
          sleep: (ms, signal) => (OTHER_TIMERS_MS.has(ms) ? clock.sleep(ms, signal) : new Promise(() => {})),
        }),
      }),
    },
  },
  {
    id: "S3",
    name: "notifies nobody of what is flagged",
    mutation: {
      server: () => ({
        waking: (deps) => createWakingStore({ ...deps, notifier: { notify() {} } }),
      }),
    },
  },
  {
    id: "S4",
    name: "answers before the barrier of a new epoch",
    mutation: { server: () => ({ epoch: (epoch) => ({ ...epoch, isBarrierDue: () => false }) }) },
  },
  {
    id: "S5",
    name: "lets a claim acquire however late it runs",
    mutation: { flaw: "no-not-after" },
    weather: "frozen",
  },
  {
    id: "S6",
    name: "gives a promoted claim's lease back although its caller has come again",
    weather: "lossy",
    mutation: {
      server: () => ({
        waking(deps) {
          const store = createWakingStore(deps);
          return {
            ...store,
            finish(call, deadline) {
              if (call.onlyIfDue === null) return store.finish(call, deadline);
              return store.finish({ ...call, onlyIfDue: null }, deadline);
            },
          };
        },
      }),
    },
  },
];
