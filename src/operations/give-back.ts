import type { Clock } from "../clock.ts";
import { type Instant, msBetween } from "../domain/instant.ts";
import type { StoredRecord } from "../domain/record.ts";
import type { Store } from "../store/store.ts";
import type { Hub } from "../waiting/hub.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import type { Presence } from "./access.ts";
import { endDigest } from "./end-digest.ts";

export interface GiveBackDeps {
  readonly store: Pick<Store, "finish">;
  readonly clock: Clock;
  readonly waiting: Pick<WaitingObserver, "gaveBack">;
  readonly hub: Pick<Hub, "closed">;
}

const RETRY_MS = 500;

const NOT_STARTED = { kind: "not-started", outcome: null, delayMs: 0 } as const;
const DIGEST = endDigest(NOT_STARTED);

/**
 * Ends the lease of a promoted claim whose answer has not reached its caller, as not started: no attempt is counted, and
 * the next waiter is promoted. The guard is the very instant at which the lease was to end. If the caller came back
 * elsewhere and was reattached, that instant has moved, and nothing happens. A heartbeat moves it too, unless the longest
 * execution has cut the lease; so a caller repeats its claim before it acts, see Lease.waited in the proto.
 *
 * @param record as the claim has left it
 * @param now when it was claimed
 */
export async function giveBackUnlessReached(
  { store, clock, waiting, hub }: GiveBackDeps,
  { key, lease, due }: StoredRecord,
  now: Instant,
  caller: Presence,
): Promise<void> {
  const leaseEndMs = clock.monotonicMs() + msBetween(now, due);
  if (await caller.answered()) return;
  const call = { ...NOT_STARTED, key, proof: lease, digest: DIGEST, checkpoint: null, onlyIfDue: due };
  while (clock.monotonicMs() < leaseEndMs && !hub.closed.aborted) {
    try {
      const answer = await store.finish(call, Number.POSITIVE_INFINITY);
      if (answer.kind === "ended" && !answer.alreadyApplied) waiting.gaveBack();
      return;
    } catch {
      // The database is away. A lease that is over is given back by that.
      await clock.sleep(RETRY_MS, hub.closed).catch(() => undefined);
    }
  }
}
