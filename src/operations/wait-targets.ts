import type { Clock } from "../clock.ts";
import { addMs, type Instant } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import type { Fingerprint } from "../domain/record.ts";
import type { Tenant } from "../domain/tenant.ts";
import type { Hub } from "../waiting/hub.ts";
import { type LeftBehind, type Presence, tellWhenGone } from "./access.ts";
import type { Curfew, Curfewed, Hour } from "./curfew.ts";
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

export interface WaitTargetsDeps {
  readonly clock: Clock;
  readonly curfew: Curfew;
}

/** All the records of one wait, from when they are waited for until it is disposed of. */
export class WaitTargets implements Disposable, TargetListener, LeftBehind, Curfewed {
  readonly #clock: Clock;
  readonly #curfew: Curfew;
  #hubs: readonly Pick<Hub, "isListening">[] = [];
  /** How many targets end the wait by their ends. */
  #endsWanted = 0;
  /** The call in each tenant's count. */
  #admissions: readonly Disposable[] = [];
  #targets: readonly WaitTarget[] = [];
  #retiring: AbortSignal | null = null;
  #reads = 0;
  /** Those with something to tell, in the order in which it came. */
  readonly #news: WaitTarget[] = [];
  /** What is left to tell of one reading. */
  #telling: Iterator<Told, undefined> = NOTHING;
  #endsTold = 0;
  /** Why nothing is told any more; null while that is not so. */
  #failure: { readonly why: unknown } | null = null;
  #over: FinishReason | null = null;
  #seen: Instant | null = null;
  #seenMs = 0;
  #wake: (() => void) | null = null;
  /** Until when it rests at most; null while it does not. */
  #hour: Hour | null = null;

  constructor({ clock, curfew }: WaitTargetsDeps) {
    this.#clock = clock;
    this.#curfew = curfew;
  }

  /**
   * From now on it waits, until the caller goes or its connection is to be given up. Throws `Fault` QUOTA_WAITERS or
   * DRAINING as the hub does: then it is to be disposed of.
   */
  begin({ tenants, targets, mode, mustExist }: Watch, caller: Presence): void {
    this.#hubs = tenants.map(({ hub }) => hub);
    this.#endsWanted = mode === "any" ? 1 : targets.length;
    tellWhenGone(caller, this);
    if (this.#failure !== null) return;
    for (const { tenant, hub } of tenants) {
      const waiters = targets.filter(({ key }) => key.tenant === tenant.id).length;
      // Pushed, one would take the room of seventeen.
      this.#admissions = this.#admissions.concat(hub.admit(tenant, waiters));
    }
    this.#targets = targets.map(({ fingerprint }, index) => new WaitTarget(index, fingerprint, mustExist, this));
    for (const [index, { key, hub }] of targets.entries()) this.#targets[index]?.join(hub, key);
    this.#retiring = caller.retiring;
    this.#retiring.addEventListener("abort", this);
    if (this.#retiring.aborted) this.handleEvent();
  }

  /**
   * What is to be told next; null when that is yet to come. Nothing is told before every target was read, so that one
   * which fails the wait does so before anything else. The finish is the last and comes again if asked for again.
   * Throws the `Fault` of a target, or why the caller has gone.
   */
  next(): Told | null {
    if (this.#failure !== null) throw this.#failure.why;
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
   * at the latest, as curfews have it. That is left as it is when something else comes first: a later instant is waited
   * for when it has come.
   */
  rest(untilMs: number): Promise<void> {
    this.#hour ??= this.#curfew.at(untilMs, this);
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

  failed(why: unknown): void {
    this.#failure ??= { why };
    this.#leaveAll();
  }

  callerGone(why: unknown): void {
    this.failed(why);
    this[Symbol.dispose]();
  }

  /** The connection is to be given up: it listens to that signal itself, without a function of its own. */
  handleEvent(): void {
    this.end("max-age");
  }

  runOut(): void {
    this.#hour = null;
    this.#ring();
  }

  dismissed(): void {
    this.end("draining");
  }

  /** Leaves everything at once, also while a reader has not asked for long. */
  [Symbol.dispose](): void {
    this.#leaveAll();
    for (const admission of this.#admissions) admission[Symbol.dispose]();
    this.#hour?.forget(this);
    this.#retiring?.removeEventListener("abort", this);
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
}

const NOTHING: Iterator<Told, undefined> = [].values();

function finish(reason: FinishReason): Told {
  return { index: 0, event: { kind: "finish", reason } };
}
