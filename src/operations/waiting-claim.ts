import type { Clock } from "../clock.ts";
import type { ClaimCall, Peeked } from "../domain/calls.ts";
import { Fault } from "../domain/fault.ts";
import { addMs, msBetween } from "../domain/instant.ts";
import { isOwnLease } from "../domain/record.ts";
import { decideClaim } from "../domain/reducer/claim.ts";
import type { Hub } from "../waiting/hub.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import type { Submitted, Waiter, Wish } from "../waiting/waiter.ts";
import type { Presence } from "./access.ts";
import type { ClaimOutcome } from "./claim-outcome.ts";
import type { Curfew } from "./curfew.ts";
import { faultOf } from "./faults.ts";

export interface WaitDeps {
  readonly hub: Pick<Hub, "join">;
  readonly clock: Clock;
  readonly curfew: Curfew;
  readonly waiting: Pick<WaitingObserver, "promoted">;
}

/** What the store has said of a claim, or why it or the tenant refuses it: then it throws a `Fault`. */
export type Submit = (token: Uint8Array) => Promise<ClaimOutcome>;

export interface WaitingClaim {
  /** As it was submitted first, as if nothing refused it. */
  readonly call: ClaimCall;
  /** Makes the claim once more, under this token. */
  readonly submit: Submit;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
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
  const { hub, curfew } = deps;
  const { call, arrivedMs, waitMs, caller } = claim;
  const waiter = new ClaimWaiter(deps, claim);
  const leave = hub.join(call.key, waiter);
  const abandon = () => waiter.abandon();
  const cancel = curfew.at(arrivedMs + waitMs, () => waiter.runOut());
  caller.signal.addEventListener("abort", abandon);
  if (caller.signal.aborted) abandon();
  try {
    return await waiter.outcome;
  } finally {
    leave();
    cancel();
    caller.signal.removeEventListener("abort", abandon);
  }
}

/** A class, because there may be ten thousand: what it does is shared, and only what it knows is its own. */
class ClaimWaiter implements Waiter {
  readonly #outcome = Promise.withResolvers<ClaimOutcome>();
  readonly #deps: WaitDeps;
  readonly #claim: WaitingClaim;
  /** What it is told if the wait ends now, and when that was read. */
  #open: ClaimOutcome;
  #openMs: number;
  #isAnswered = false;
  #wasShown = false;
  #isClaiming = false;
  /** How it is answered once its claim has been, unless that answers it: the claim may yet acquire. */
  #afterClaim: (() => void) | null = null;

  constructor(deps: WaitDeps, claim: WaitingClaim) {
    this.#deps = deps;
    this.#claim = claim;
    this.#open = claim.first;
    this.#openMs = deps.clock.monotonicMs();
  }

  get outcome(): Promise<ClaimOutcome> {
    return this.#outcome.promise;
  }

  /** The wait is over. */
  runOut(): void {
    this.#end(() => {
      const { record, now } = this.#open;
      const since = addMs(now, this.#deps.clock.monotonicMs() - this.#openMs);
      this.#answer({ ...this.#open, now: Math.min(since, Math.max(now, record.due)) });
    });
  }

  /** The caller has gone. */
  abandon(): void {
    this.#end(() => this.#fail(this.#claim.caller.signal.reason));
  }

  dismiss(): void {
    this.#end(() => this.#fail(new Fault("DRAINING", "this server is shutting down; another one answers")));
  }

  see({ record, now }: Peeked): Wish {
    if (this.#isAnswered) return "wait";
    const { call, first } = this.#claim;
    const mayBeOlder = !this.#wasShown;
    this.#wasShown = true;
    if (mayBeOlder && now <= first.now) {
      // Shown on joining, it was read before our first try. It must not answer a call that came after it.
      const isSame = record?.state === first.record.state && record.lease.fence === first.record.lease.fence;
      return isSame && record.due > now ? "wait" : "read-again";
    }
    const { answer, next } = decideClaim(record, call, now, 0n);
    if (answer.kind === "fault") this.#fail(faultOf(answer.code));
    if (answer.kind === "fault" || answer.kind === "refused") return "wait";
    if (next !== null) return record?.claimId === call.claimId ? "claim-at-once" : "claim";
    this.#hear({ ...answer, waitedMs: 0 });
    return "wait";
  }

  async claim(): Promise<Submitted> {
    if (this.#isAnswered) return "refused";
    const { arrivedMs, submit, newToken, onPromoted } = this.#claim;
    const token = newToken();
    this.#isClaiming = true;
    // Before it is sent: the lease must not seem longer to the caller than it is.
    const waitedMs = wholeMicros(this.#deps.clock.monotonicMs() - arrivedMs);
    try {
      const told = { ...(await submit(token)), waitedMs };
      this.#hear(told);
      if (told.kind === "acquired" && isOwnLease(told.record, token)) {
        this.#deps.waiting.promoted();
        onPromoted(told);
      }
      return { record: told.record, now: told.now };
    } catch (error) {
      this.#fail(error);
      return isStoreFailure(error) ? "failed" : "refused";
    } finally {
      this.#isClaiming = false;
      if (!this.#isAnswered) this.#afterClaim?.();
    }
  }

  /** Waits on, or is answered by it. */
  #hear(told: ClaimOutcome): void {
    const { arrivedMs, waitMs } = this.#claim;
    const nowMs = this.#deps.clock.monotonicMs();
    if (canWait(told, arrivedMs + waitMs - nowMs)) {
      this.#open = told;
      this.#openMs = nowMs;
    } else this.#answer(told);
  }

  #end(how: () => void): void {
    if (this.#isAnswered) return;
    if (this.#isClaiming) this.#afterClaim ??= how;
    else how();
  }

  #answer(told: ClaimOutcome): void {
    this.#isAnswered = true;
    this.#outcome.resolve(told);
  }

  #fail(error: unknown): void {
    this.#isAnswered = true;
    this.#outcome.reject(error);
  }
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
