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
  retryable,
} from "../../client/client.ts";
import { type LeaseExpiry, leaseExpiryOf } from "./lease-expiry.ts";
import type { Order, Outcome, Report, Stage } from "./messages.ts";
import { type Charge, ChargeError, type Ledger } from "./postgres/ledger.ts";

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
 * Most events are charged where nothing is checked, and there the policy is HOLD: a worker that dies between the charge
 * and the completion leaves a question that no lease can answer. Whoever took over would charge a second time; so the
 * outcome is unknown until somebody who can read the ledger has said what it is (reconciler.ts).
 *
 * The others are charged where fences are compared, and there the policy is REACQUIRE: whoever takes over shows its fence,
 * after which the dead worker's charge can no longer come true, and looks whether it has. Nobody needs to be asked, and
 * a worker that waits for the event is promoted as soon as the lease is over.
 */
export async function handle(deps: HandleDeps, { delivery, stopAt, announce }: Order): Promise<Outcome> {
  const { holdfast, ledger, worker, leaseMs } = deps;
  const onLeaseExpiry = leaseExpiryOf(delivery.id);
  const reach = async (stage: Stage) => {
    if (stage !== stopAt) return;
    deps.report({ kind: "stopped", line: delivery.line, stage });
    // The killer is told and has to find us here: this never resolves.
    await new Promise<never>(() => {});
  };
  if (announce) deps.report({ kind: "claiming", line: delivery.line });
  try {
    const { replayed } = await holdfast.once<ChargeResult>(
      { scope: CHARGE_SCOPE, key: delivery.id, input: delivery.payload, leaseMs, onLeaseExpiry },
      async (attempt) => {
        if (attempt.reason === "takeover" || attempt.reason === "retry") deps.report({ kind: "takeover" });
        await reach("claimed");
        const charge = { eventId: delivery.id, chargeId: randomUUID(), fence: attempt.fence, worker };
        const chargeId = await CHARGE[onLeaseExpiry](ledger, charge, attempt);
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

type MakeCharge = (ledger: Ledger, charge: Charge, attempt: Attempt) => Promise<string>;

/** Resolve to the id of the event's charge; what they throw says what is known of it. */
const CHARGE: Readonly<Record<LeaseExpiry, MakeCharge>> = {
  async hold(ledger, charge, attempt) {
    await ledger.charge(charge, () => isHeld(attempt)).catch(sayWhatIsKnown(outcomeUnknown));
    return charge.chargeId;
  },
  reacquire: (ledger, charge) => ledger.chargeFenced(charge).catch(sayWhatIsKnown(retryable)),
};

/**
 * A charge that was not sent can be tried again by anybody. Of one that was sent and not answered nobody knows: with
 * fences the next attempt finds out, and otherwise the reconciler.
 */
function sayWhatIsKnown(whenSent: (error: unknown) => Error): (error: unknown) => never {
  return (error) => {
    throw error instanceof ChargeError && !error.sent ? notStarted(error) : whenSent(error);
  };
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
