import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import {
  type Attempt,
  CompleteFailedError,
  FingerprintMismatchError,
  type Holdfast,
  HoldfastError,
  LeaseLostError,
  notStarted,
  OutcomeUnknownError,
  outcomeUnknown,
} from "../../client/client.ts";
import type { Order, Outcome, Report, Stage } from "./messages.ts";
import { ChargeError, type Ledger } from "./postgres/ledger.ts";

export interface HandleDeps {
  readonly holdfast: Holdfast;
  readonly ledger: Ledger;
  readonly worker: string;
  readonly leaseMs: number;
  readonly report: (report: Report) => void;
}

/** What every completed record of the demo holds. */
export interface ChargeResult {
  readonly chargeId: string;
}

/** All charges are claimed in this scope; the key is the event's id. */
export const CHARGE_SCOPE = "charge";

/**
 * Handles one delivery: charges, unless this event was charged before, and says what became of it.
 *
 * The policy is HOLD, because a worker that dies between the charge and the completion leaves a question that no lease
 * can answer. Under REACQUIRE the next worker would take over and charge a second time; under HOLD the outcome is unknown
 * until somebody who can read the ledger has said what it is (reconciler.ts).
 */
export async function handle(deps: HandleDeps, { delivery, stopAt }: Order): Promise<Outcome> {
  const { holdfast, ledger, worker, leaseMs } = deps;
  const reach = async (stage: Stage) => {
    if (stage !== stopAt) return;
    deps.report({ kind: "stopped", line: delivery.line, stage });
    // The killer is told and has to find us here: this never resolves.
    await new Promise<never>(() => {});
  };
  try {
    const { replayed } = await holdfast.once<ChargeResult>(
      { scope: CHARGE_SCOPE, key: delivery.id, input: delivery.payload, leaseMs, onLeaseExpiry: "hold" },
      async (attempt) => {
        if (attempt.reason === "takeover" || attempt.reason === "retry") deps.report({ kind: "takeover" });
        await reach("claimed");
        const chargeId = randomUUID();
        const charge = { eventId: delivery.id, chargeId, fence: attempt.fence, worker };
        await ledger.charge(charge, () => isHeld(attempt)).catch(sayWhatIsKnown);
        await reach("charged");
        return { chargeId };
      },
    );
    return replayed ? "replayed" : "charged";
  } catch (error) {
    return outcomeOf(error);
  }
}

/** The signal comes from a timer, which a busy process runs late; what is left of the lease is always up to date. */
function isHeld({ signal, leaseRemainingMs }: Attempt): boolean {
  return !signal.aborted && leaseRemainingMs() > 0;
}

/** A charge that was not sent can be tried again by anybody; of one that was sent and not answered, nobody knows. */
function sayWhatIsKnown(error: unknown): never {
  if (error instanceof ChargeError && !error.sent) throw notStarted(error);
  throw outcomeUnknown(error);
}

/** Throws what a delivery must not be able to cause: a bug, which ends this worker and the demo. */
function outcomeOf(error: unknown): Outcome {
  if (error instanceof FingerprintMismatchError) return "mismatch";
  if (error instanceof OutcomeUnknownError) return "unknown";
  // The claim of the next delivery finds out what became of this one.
  if (error instanceof ChargeError || error instanceof CompleteFailedError || isPassing(error)) return "not-handled";
  throw error;
}

/** Another attempt or a verdict came first, or no server answered in time: nothing is wrong with the call itself. */
export function isPassing(error: unknown): boolean {
  if (error instanceof LeaseLostError) return true;
  return error instanceof HoldfastError && (error.retryAfterMs !== undefined || NO_ANSWER.has(error.code));
}

const NO_ANSWER: ReadonlySet<Code | undefined> = new Set([Code.Unavailable, Code.DeadlineExceeded]);
