import type { Holdfast, UnknownOutcome } from "../../client/client.ts";
import type { Clock } from "../../clock.ts";
import { CHARGE_SCOPE, type ChargeResult, isPassing } from "./handle.ts";
import type { Ledger } from "./postgres/ledger.ts";

export interface ReconcilerDeps {
  readonly holdfast: Holdfast;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** The lease that workers claim with. */
  readonly leaseMs: number;
}

/** Finds out what became of an event whose worker died. True if its verdict is what the record now says. */
export type Reconcile = (eventId: string) => Promise<boolean>;

/**
 * Reads the ledger, and either completes the record with the charge that it finds or says that nothing was started.
 *
 * "Not started" speaks of the future too: the dead attempt must not charge after the ledger was read. So the ledger is
 * read one lease after the outcome became unknown. A worker begins no charge when its lease is over (`isHeld`),
 * and one begun before is answered or undone within another lease (`chargeMsMax`); after that nothing can come of it.
 *
 * A target that can compare numbers needs no wait: push `unknown.fence` to it first, and have it refuse every charge
 * that comes with a lower one. That holds even for a worker that was frozen between looking at its signal and sending,
 * which is why to prefer it where the target is yours. This ledger, like most providers, compares nothing.
 */
export function createReconcile({ holdfast, ledger, clock, leaseMs }: ReconcilerDeps): Reconcile {
  const judge = (eventId: string) => async (unknown: UnknownOutcome) => {
    await clock.sleep(leaseMs, unknown.signal);
    const [charge] = await ledger.chargesOf(eventId);
    return charge === undefined ? NOT_STARTED : { done: { chargeId: charge.chargeId } };
  };
  return async (eventId) => {
    const call = { scope: CHARGE_SCOPE, key: eventId, leaseMs };
    try {
      const { kind } = await holdfast.reconcile<ChargeResult>(call, judge(eventId));
      return kind === "settled";
    } catch (error) {
      // Above all: the worker was slow and not dead, and has completed its charge while we waited.
      if (isPassing(error)) return false;
      throw error;
    }
  };
}

const NOT_STARTED = { notStarted: true } as const;
