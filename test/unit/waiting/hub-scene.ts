import { addMs, type Instant } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { createHub, type Hub, WAIT_LIMITS, type WaitLimits } from "../../../src/waiting/hub.ts";
import { silentWaitingObserver, type WakePath } from "../../../src/waiting/observer.ts";
import type { WakeId } from "../../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import { claimIdOf, claimOf, finishOf, freshToken, NOW } from "../../support/records.ts";
import { createOnlooker, createStoppingStore, type Onlooker, type StoppingStore } from "../../support/waiting.ts";
import { createManualClock, type ManualClock, settled } from "../store/manual-clock.ts";

export const KEY: RecordKey = { tenant: "default", scope: "orders", key: "order-1" };

/** One server of several: its hub listens, reads through a store that counts, and nothing but the test notifies it. */
export interface HubScene {
  readonly hub: Hub;
  readonly clock: ManualClock;
  /** What the hub reads through. */
  readonly reads: StoppingStore;
  /** As another server changes records; `told` are the ids that it notifies of. */
  readonly elsewhere: Store;
  /** As this server does. */
  readonly here: Store;
  readonly told: WakeId[];
  readonly failures: unknown[];
  /** Ends that waiters were told of: by which way, and so long after. */
  readonly woken: [path: WakePath, ms: number][];
  now(): Instant;
  /** Lets an onlooker join and everything follow that follows from that. */
  join(onlooker?: Onlooker, key?: RecordKey): Promise<Joined>;
  /** Claims as a stranger elsewhere and returns the proof of the lease. */
  hold(key?: RecordKey, leaseMs?: number): Promise<Proof>;
  complete(store: Store, proof: Proof, key?: RecordKey): Promise<void>;
  /** Passes on what was told, as the listener does. */
  notify(): Promise<void>;
}

export interface Joined {
  readonly onlooker: Onlooker;
  leave(): void;
}

/** The backstop is off unless told otherwise. */
export function createHubScene(limits: Partial<WaitLimits> = {}, random: () => number = () => 0.5): HubScene {
  const clock = createManualClock();
  const startMs = clock.monotonicMs();
  const now = () => addMs(NOW, Math.round((clock.monotonicMs() - startMs) * 1000) / 1000);
  const memory = createMemoryStore({ now, newToken: freshToken });
  const reads = createStoppingStore(memory);
  const failures: unknown[] = [];
  const woken: [WakePath, number][] = [];
  const told: WakeId[] = [];
  const hub = createHub({
    ...{ clock, random, store: reads.store },
    observer: {
      ...silentWaitingObserver,
      failed: (error) => failures.push(error),
      woke: (path, ms) => woken.push([path, ms]),
    },
    limits: { ...WAIT_LIMITS, backstopMs: Number.POSITIVE_INFINITY, ...limits },
  });
  hub.setListening(true);
  const notifier = { notify: (id: WakeId) => void told.push(id) };
  const elsewhere = createWakingStore({ store: memory, hub: { wake() {} }, notifier });
  let claims = 0;
  return {
    ...{ hub, clock, reads, elsewhere, told, failures, woken, now },
    here: createWakingStore({ store: memory, hub, notifier }),
    async join(onlooker = createOnlooker(), key = KEY) {
      const joined = hub.join(key, onlooker);
      await settled();
      return { onlooker, leave: () => joined.leave(onlooker) };
    },
    async hold(key = KEY, leaseMs = 30_000) {
      const answer = await elsewhere.claim(
        claimOf({ key, leaseMs, claimId: claimIdOf(`claim-${++claims}`), token: freshToken() }),
        Number.POSITIVE_INFINITY,
      );
      if (answer.kind !== "acquired") throw new Error(`expected acquired, not ${answer.kind}`);
      return answer.record.lease;
    },
    async complete(store, proof, key = KEY) {
      const answer = await store.finish(finishOf({ key, proof }), Number.POSITIVE_INFINITY);
      if (answer.kind !== "ended") throw new Error(`expected ended, not ${answer.code}`);
      await settled();
    },
    async notify() {
      hub.notified(told.splice(0));
      await settled();
    },
  };
}
