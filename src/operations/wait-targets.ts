import type { Clock } from "../clock.ts";
import type { Fault } from "../domain/fault.ts";
import { addMs, type Instant } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import type { Fingerprint } from "../domain/record.ts";
import type { Tenant } from "../domain/tenant.ts";
import type { Hub } from "../waiting/hub.ts";
import type { RecordEvent } from "./wait-changes.ts";
import { type TargetListener, WaitTarget } from "./wait-target.ts";

export interface Watch {
  /** Whose the records are, each once. */
  readonly tenants: readonly { readonly tenant: Tenant; readonly hub: Pick<Hub, "admit" | "isListening"> }[];
  readonly targets: readonly WatchedRecord[];
  readonly mode: "all" | "any";
  readonly mustExist: boolean;
}

export interface WatchedRecord {
  readonly key: RecordKey;
  readonly fingerprint: Fingerprint;
  /** Of the cluster where the record is. */
  readonly hub: Pick<Hub, "join">;
}

/** Why nothing more will come. */
export type FinishReason = "done" | "timeout" | "draining" | "max-age";

export interface Finish {
  readonly kind: "finish";
  readonly reason: FinishReason;
}

/** Of one target, or the finish, of which the index is 0. */
export interface Told {
  readonly index: number;
  readonly event: RecordEvent | Finish;
}

/** All the records of one wait, from when they are waited for until it is disposed of. */
export class WaitTargets implements Disposable, TargetListener {
  readonly #clock: Clock;
  readonly #hubs: readonly Pick<Hub, "isListening">[];
  /** How many targets end the wait by their ends. */
  readonly #endsWanted: number;
  /** The call in each tenant's count. */
  readonly #admissions: Disposable[] = [];
  readonly #targets: WaitTarget[] = [];
  #reads = 0;
  /** Those with something to tell, in the order in which it came. */
  readonly #news: WaitTarget[] = [];
  /** What is left to tell of one reading. */
  #telling: Iterator<Told, undefined> = NOTHING;
  #endsTold = 0;
  #fault: Fault | null = null;
  #over: FinishReason | null = null;
  #seen: Instant | null = null;
  #seenMs = 0;
  #wake: (() => void) | null = null;
  /** Aborted when nothing is slept for any more; null while nobody sleeps. */
  #sleeping: AbortController | null = null;

  /** Throws `Fault` QUOTA_WAITERS or DRAINING as the hub does; then it has left nothing behind. */
  constructor({ tenants, targets, mode, mustExist }: Watch, clock: Clock) {
    this.#clock = clock;
    this.#hubs = tenants.map(({ hub }) => hub);
    this.#endsWanted = mode === "any" ? 1 : targets.length;
    try {
      for (const { tenant, hub } of tenants) {
        const waiters = targets.filter(({ key }) => key.tenant === tenant.id).length;
        this.#admissions.push(hub.admit(tenant, waiters));
      }
      for (const [index, { key, fingerprint, hub }] of targets.entries()) {
        const target = new WaitTarget(index, fingerprint, mustExist, this);
        this.#targets.push(target);
        target.leave = hub.join(key, target);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * What is to be told next; null when that is yet to come. Nothing is told before every target was read, so that one
   * which fails the wait does so before anything else. The finish is the last and comes again if asked for again.
   * Throws the `Fault` of a target.
   */
  next(): Told | null {
    if (this.#fault !== null) throw this.#fault;
    if (this.#reads < this.#targets.length && this.#over === null) return null;
    for (;;) {
      const told = this.#telling.next().value;
      if (told !== undefined) return told;
      if (this.#endsTold >= this.#endsWanted) return finish("done");
      const target = this.#news.shift();
      if (target === undefined) return this.#over === null ? null : finish(this.#over);
      this.#telling = this.#tell(target);
    }
  }

  /**
   * To be called at once when `next` had nothing. Resolves when it may have something, and at this instant of the clock
   * at the latest. There is one timer, which is left as it is when something else comes first: a later instant is slept
   * for when it has fired.
   */
  rest(untilMs: number): Promise<void> {
    if (this.#sleeping === null) void this.#sleep(untilMs);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Nothing is waited for any more; what has been seen is told, and then this. */
  end(reason: FinishReason): void {
    this.#over ??= reason;
    this.#leaveAll();
  }

  /** No notifications arrive about some of the records: their changes are seen up to a quarter of a second later. */
  get isPolling(): boolean {
    return this.#hubs.some(({ isListening }) => !isListening);
  }

  /** By the database's clock; null while nothing was read. */
  get serverTime(): Instant | null {
    return this.#seen === null ? null : addMs(this.#seen, this.#clock.monotonicMs() - this.#seenMs);
  }

  saw(now: Instant, isFirst: boolean): void {
    if (isFirst) this.#reads++;
    this.#seen = now;
    this.#seenMs = this.#clock.monotonicMs();
  }

  hasNews(target: WaitTarget): void {
    this.#news.push(target);
    this.#ring();
  }

  failed(fault: Fault): void {
    this.#fault ??= fault;
    this.#leaveAll();
  }

  dismissed(): void {
    this.end("draining");
  }

  /** Leaves everything at once, also while a reader has not asked for long. */
  [Symbol.dispose](): void {
    this.#leaveAll();
    for (const admission of this.#admissions) admission[Symbol.dispose]();
    this.#sleeping?.abort(OVER);
  }

  /** An ended target is waited for until that is told: what it keeps so long counts as one of its tenant's records. */
  *#tell(target: WaitTarget): Iterator<Told, undefined> {
    for (const event of target.tell()) {
      if (event.kind === "ended") {
        this.#endsTold++;
        target.leave();
      }
      yield { index: target.index, event };
    }
    // Or this call would keep what it has told.
    this.#telling = NOTHING;
  }

  #leaveAll(): void {
    for (const target of this.#targets) target.leave();
    this.#ring();
  }

  #ring(): void {
    this.#wake?.();
  }

  async #sleep(untilMs: number): Promise<void> {
    this.#sleeping = new AbortController();
    const { signal } = this.#sleeping;
    await this.#clock.sleep(untilMs - this.#clock.monotonicMs(), signal).catch(() => undefined);
    this.#sleeping = null;
    this.#ring();
  }
}

const NOTHING: Iterator<Told, undefined> = [].values();

/** A reason of our own: without one each call would pay for a DOMException and its stack. */
const OVER = new Error("over");

function finish(reason: FinishReason): Told {
  return { index: 0, event: { kind: "finish", reason } };
}
