import type { Clock } from "../clock.ts";
import type { ClaimCall, Peeked } from "../domain/calls.ts";
import { Fault } from "../domain/fault.ts";
import { msBetween } from "../domain/instant.ts";
import { decideClaim } from "../domain/reducer/claim.ts";
import type { Hub } from "../waiting/hub.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import type { Submitted, Waiter, Wish } from "../waiting/waiter.ts";
import type { Presence } from "./access.ts";
import type { ClaimOutcome } from "./claim.ts";
import { faultOf } from "./faults.ts";

export interface WaitDeps {
  readonly hub: Pick<Hub, "join">;
  readonly clock: Clock;
  readonly waiting: Pick<WaitingObserver, "promoted">;
}

/** What the store has said of a claim, or why it or the tenant refuses it: then it throws a `Fault`. */
export type Submit = () => Promise<ClaimOutcome>;

export interface WaitingClaim {
  /** As it was submitted first, as if nothing refused it. */
  readonly call: ClaimCall;
  /** Makes the claim once more, under a token of its own. */
  readonly submit: Submit;
  /** What the first try was told: in progress, or scheduled for a time within the wait. */
  readonly first: ClaimOutcome;
  /** Instant of the clock at which the call arrived. */
  readonly arrivedMs: number;
  readonly waitMs: number;
  readonly caller: Presence;
  /** The lease of this answer was acquired while the call waited. */
  readonly onPromoted: (answer: ClaimOutcome) => void;
}

/** Whether a claim that was told this can wait for something better. */
export function canWait(answer: ClaimOutcome, leftMs: number): boolean {
  if (answer.kind === "in-progress") return leftMs > 0;
  return answer.kind === "retry-scheduled" && msBetween(answer.now, answer.record.due) <= leftMs;
}

/**
 * Keeps a claim open until the record has ended, its outcome is unknown, the claim acquires, or the wait is over.
 *
 * Ends are answered from what the hub has read for all: the reducer says of a reading what the store would have said of
 * the claim. Only what would change the record is submitted to the store, when the hub says so.
 */
export async function waitToClaim(deps: WaitDeps, claim: WaitingClaim): Promise<ClaimOutcome> {
  const { hub, clock } = deps;
  const { call, arrivedMs, waitMs, caller } = claim;
  const waiter = createWaiter(deps, claim);
  const answered = new AbortController();
  const leave = hub.join(call.key, waiter);
  const waitedMs = clock.monotonicMs() - arrivedMs;
  clock.sleep(waitMs - waitedMs, answered.signal).then(waiter.runOut, () => undefined);
  caller.signal.addEventListener("abort", waiter.abandon);
  if (caller.signal.aborted) waiter.abandon();
  try {
    return await waiter.outcome;
  } finally {
    leave();
    answered.abort(ANSWERED);
    caller.signal.removeEventListener("abort", waiter.abandon);
  }
}

/** A reason of our own: without one each answer would pay for a DOMException and its stack. */
const ANSWERED = new Error("answered");

interface ClaimWaiter extends Waiter {
  readonly outcome: Promise<ClaimOutcome>;
  /** The wait is over. */
  readonly runOut: () => void;
  /** The caller has gone. */
  readonly abandon: () => void;
}

function createWaiter({ clock, waiting }: WaitDeps, claim: WaitingClaim): ClaimWaiter {
  const { call, submit, arrivedMs, waitMs, caller, onPromoted } = claim;
  const { promise: outcome, resolve, reject } = Promise.withResolvers<ClaimOutcome>();
  /** What it is told if the wait ends now. */
  let open = claim.first;
  let isAnswered = false;
  let isClaiming = false;
  /** Why it is answered as soon as its claim has been: the claim may yet acquire. */
  let afterClaim: (() => void) | null = null;

  const answer = (told: ClaimOutcome) => {
    isAnswered = true;
    resolve(told);
  };
  const fail = (error: unknown) => {
    isAnswered = true;
    reject(error);
  };
  const end = (how: () => void) => {
    if (isAnswered) return;
    if (isClaiming) afterClaim ??= how;
    else how();
  };
  const leftMs = () => arrivedMs + waitMs - clock.monotonicMs();

  return {
    outcome,
    runOut: () => end(() => answer(open)),
    abandon: () => end(() => fail(caller.signal.reason)),
    dismiss: () => end(() => fail(new Fault("DRAINING", "this server is shutting down; another one answers"))),

    see({ record, now }: Peeked): Wish {
      if (isAnswered) return "wait";
      const { answer: told, next } = decideClaim(record, call, now, 0n);
      if (told.kind === "fault") fail(faultOf(told.code));
      if (told.kind === "fault" || told.kind === "refused") return "wait";
      if (next !== null) return record?.claimId === call.claimId ? "claim-at-once" : "claim";
      const seen = { ...told, waitedMs: 0 };
      if (canWait(seen, leftMs())) open = seen;
      else answer(seen);
      return "wait";
    },

    async claim(): Promise<Submitted> {
      if (isAnswered) return "refused";
      isClaiming = true;
      // Before it is sent: the lease must not seem longer to the caller than it is.
      const waitedMs = wholeMicros(clock.monotonicMs() - arrivedMs);
      try {
        const told = { ...(await submit()), waitedMs };
        if (canWait(told, leftMs())) open = told;
        else answer(told);
        if (told.kind === "acquired" && told.reason !== "reattached") {
          waiting.promoted();
          onPromoted(told);
        }
        return { record: told.record, now: told.now };
      } catch (error) {
        fail(error);
        return isStoreFailure(error) ? "failed" : "refused";
      } finally {
        isClaiming = false;
        if (!isAnswered) afterClaim?.();
      }
    },
  };
}

/** Rounded down. What waited says so: it is never 0. */
function wholeMicros(ms: number): number {
  return Math.max(1, Math.floor(ms * MICROS_PER_MS)) / MICROS_PER_MS;
}

const MICROS_PER_MS = 1000;

/** Then the next claim would fail too, and it is not known whether this one took effect. */
function isStoreFailure(error: unknown): boolean {
  return !(error instanceof Fault) || error.code === "STORE_UNAVAILABLE" || error.code === "OVERLOADED";
}
