import type { Clock } from "../../src/clock.ts";
import type { Store } from "../../src/store/store.ts";
import { createHub, type Hub, WAIT_LIMITS, type WaitLimits } from "../../src/waiting/hub.ts";
import { silentWaitingObserver, type WaitingObserver } from "../../src/waiting/observer.ts";
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
