import type { Clock } from "../clock.ts";
import type { ClaimCall, Peeked } from "../domain/calls.ts";
import { Fault } from "../domain/fault.ts";
import { addMs, msBetween } from "../domain/instant.ts";
import { type Fingerprint, isOwnLease } from "../domain/record.ts";
import { decideClaim } from "../domain/reducer/claim.ts";
import type { Joined } from "../waiting/hub.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import type { Submitted, Waiter, Wish } from "../waiting/waiter.ts";
import { type LeftBehind, type Served, tellWhenGone, type WaitingCaller } from "./access.ts";
import type { ClaimOutcome } from "./claim-outcome.ts";
import type { Curfew, Curfewed, Hour } from "./curfew.ts";
import { faultOf } from "./faults.ts";

/** The same for all claims. */
export interface WaitDeps {
  readonly clock: Clock;
  readonly curfew: Curfew;
  readonly waiting: Pick<WaitingObserver, "promoted">;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
  /**
   * Makes the claim once more, under this token. What the store has said of it, or why it or the tenant refuses it: then it
   * throws a `Fault`.
   */
  readonly submit: (claim: WaitingClaim, token: Uint8Array) => Promise<ClaimOutcome>;
  /** The lease of this answer was acquired while the call waited. */
  readonly onPromoted: (claim: WaitingClaim, answer: ClaimOutcome) => void;
}

export interface WaitingClaim extends Served {
  readonly caller: WaitingCaller;
  /** As it was submitted first, as if nothing refused it. */
  readonly call: ClaimCall;
  /** Its fingerprint as the caller has given it. */
  readonly given: Fingerprint;
  /** What the first try was told: in progress, or scheduled for a time within the wait. */
  readonly first: ClaimOutcome;
  /** Instant of the clock at which the call arrived. */
  readonly arrivedMs: number;
  readonly waitMs: number;
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
 *
 * Throws `Fault` QUOTA_WAITERS or DRAINING as the hub does.
 */
export function waitToClaim(deps: WaitDeps, claim: WaitingClaim): Promise<ClaimOutcome> {
  return new Promise((resolve, reject) => new ClaimWaiter(deps, claim, resolve, reject).begin());
}

/** A class, because there may be ten thousand: what it does is shared, and only what it knows is its own. */
class ClaimWaiter implements Waiter, Curfewed, LeftBehind {
  readonly #deps: WaitDeps;
  readonly #claim: WaitingClaim;
  readonly #resolve: (told: ClaimOutcome) => void;
  readonly #reject: (error: unknown) => void;
  /** Where it waits. */
  #admission: Disposable | null = null;
  #joined: Joined | null = null;
  #hour: Hour | null = null;
  /** What it is told if the wait ends now, and when that was read. */
  #open: ClaimOutcome;
  #openMs: number;
  #isAnswered = false;
  #wasShown = false;
  #isClaiming = false;
  /** How it is answered once its claim has been, unless that answers it: the claim may yet acquire. */
  #afterClaim: (() => void) | null = null;

  constructor(
    deps: WaitDeps,
    claim: WaitingClaim,
    resolve: (told: ClaimOutcome) => void,
    reject: (error: unknown) => void,
  ) {
    this.#deps = deps;
    this.#claim = claim;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#open = claim.first;
    this.#openMs = deps.clock.monotonicMs();
  }

  begin(): void {
    const { tenant, runtime, caller, call, arrivedMs, waitMs } = this.#claim;
    try {
      this.#admission = runtime.hub.admit(tenant, 1);
      this.#joined = runtime.hub.join(call.key, this);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#hour = this.#deps.curfew.at(arrivedMs + waitMs, this);
    tellWhenGone(caller.context, this);
    // By whomever, on the way: nothing is left behind.
    if (this.#isAnswered) this.#leave();
  }

  /** The wait is over. */
  runOut(): void {
    this.#end(() => {
      const { record, now } = this.#open;
      const since = addMs(now, this.#deps.clock.monotonicMs() - this.#openMs);
      this.#answer({ ...this.#open, now: Math.min(since, Math.max(now, record.due)) });
    });
  }

  callerGone(why: unknown): void {
    this.#end(() => this.#fail(why));
  }

  dismiss(): void {
    this.#end(() => this.#fail(new Fault("DRAINING", "this server is shutting down; another one answers")));
  }

  see({ record, now }: Peeked, askedMs: number): Wish {
    if (this.#isAnswered) return "wait";
    const { call, first } = this.#claim;
    const mayBeOlder = !this.#wasShown;
    this.#wasShown = true;
    if (mayBeOlder && askedMs <= this.#openMs) {
      // Shown on joining, it was asked for before our first try was answered. It must not answer a call that came after it.
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
    const { clock, waiting, newToken, submit, onPromoted } = this.#deps;
    const token = newToken();
    this.#isClaiming = true;
    // Before it is sent: the lease must not seem longer to the caller than it is.
    const waitedMs = wholeMicros(clock.monotonicMs() - this.#claim.arrivedMs);
    try {
      const told = { ...(await submit(this.#claim, token)), waitedMs };
      this.#hear(told);
      if (told.kind === "acquired" && isOwnLease(told.record, token)) {
        waiting.promoted();
        onPromoted(this.#claim, told);
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
    this.#leave();
    this.#resolve(told);
  }

  #fail(error: unknown): void {
    this.#leave();
    this.#reject(error);
  }

  #leave(): void {
    this.#isAnswered = true;
    this.#joined?.leave(this);
    this.#hour?.forget(this);
    this.#admission?.[Symbol.dispose]();
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
