import type { Clock } from "../../clock.ts";
import type { ClaimAnswer, MayAcquire } from "../../domain/calls.ts";
import { Fault } from "../../domain/fault.ts";
import type { TenantLimits } from "../../domain/tenant.ts";
import type { Usage } from "../../store/usage.ts";
import { type Quota, type Reservation, UNMETERED } from "../quota.ts";
import { createRecentUse } from "./recent-use.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

/** A quota that is told what was measured. */
export interface MeteredQuota extends Quota {
  /** What the tenant used so long ago, when the measurement began; no matter which server made it. */
  measured(usage: Usage, ageMs: number): void;
}

export interface MeteredQuotaDeps {
  readonly limits: TenantLimits;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** Whether anything of it has to be measured. */
export function needsMeasuring({ liveRecords, storedBytes, leases }: TenantLimits): boolean {
  return liveRecords > 0n || storedBytes > 0n || leases > 0;
}

/**
 * The limits of one tenant on one server.
 *
 * What a claim uses is known when it was answered, and counted then: a replay uses nothing, and if claims reserved what
 * they might use, a flood of replays would keep new work out. So as many claims as there is room for, and
 * `UNDER_WAY_MAX` more, may be under way at once, and exceed a limit by that many; a rate pays it back.
 *
 * Records, bytes and leases are those of the newest measurement, with what this server has added and ended since it
 * began. What other servers do, what lapses and what is forgotten shows with the next one.
 */
export function createMeteredQuota({ limits, clock }: MeteredQuotaDeps): Quota | MeteredQuota {
  const { newRecordsPerSecond: rate, newRecordsBurst } = limits;
  if (rate === 0 && !needsMeasuring(limits)) return UNMETERED;
  const burst = newRecordsBurst > 0 ? newRecordsBurst : Math.max(1, rate);
  return new LimitedQuota(limits, rate === 0 ? null : createTokenBucket(rate, burst, clock), clock);
}

export function isMetered(quota: Quota): quota is MeteredQuota {
  return "measured" in quota;
}

/** Claims that may be under way beyond what there is room for: most of them are replays, on any but the first day. */
const UNDER_WAY_MAX = 16;
/** When those will have been answered. */
const UNDER_WAY_RETRY_MS = 100;
/** However slow the rate. */
const RETRY_MS_MAX = 60_000;

class LimitedQuota implements MeteredQuota {
  readonly #limits: TenantLimits;
  readonly #bucket: TokenBucket | null;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #free: Reservation;
  readonly #recent = createRecentUse();
  #measured: Usage = NOTHING;
  /** Claims that may acquire anything, and are not answered yet. */
  #underWay = 0;

  constructor(limits: TenantLimits, bucket: TokenBucket | null, clock: Pick<Clock, "monotonicMs">) {
    this.#limits = limits;
    this.#bucket = bucket;
    this.#clock = clock;
    this.#free = {
      mayAcquire: "anything",
      refusal: null,
      settle: (answer) => {
        this.#underWay--;
        this.#settle(answer);
      },
    };
  }

  reserve(): Reservation {
    const refusal = this.#refuseLease() ?? this.#refuseRecord();
    if (refusal === null) {
      this.#underWay++;
      return this.#free;
    }
    const mayAcquire: MayAcquire = refusal.code === "QUOTA_LEASES" ? "nothing" : "existing";
    return { mayAcquire, refusal, settle: (answer) => this.#settle(answer) };
  }

  ended({ alreadyApplied, late }: Parameters<Quota["ended"]>[0], storedBytes: number): void {
    if (!alreadyApplied) this.#count({ liveRecords: 0, storedBytes, leases: late ? 0 : -1 });
  }

  measured(usage: Usage, ageMs: number): void {
    this.#measured = usage;
    this.#recent.forget(this.#clock.monotonicMs() - ageMs);
  }

  #used(what: keyof Usage): number {
    return this.#measured[what] + this.#recent.total[what];
  }

  /** Null while there is room; otherwise when to come back, undefined if nobody can tell. */
  #wait(room: number): { readonly retryAfterMs?: number } | null {
    if (room <= 0) return {};
    return this.#underWay < room + UNDER_WAY_MAX ? null : { retryAfterMs: UNDER_WAY_RETRY_MS };
  }

  #refuseLease(): Fault | null {
    const { leases } = this.#limits;
    const wait = leases === 0 ? null : this.#wait(leases - this.#used("leases"));
    return wait && new Fault("QUOTA_LEASES", `the tenant may hold ${leases} leases at once`, wait);
  }

  #refuseRecord(): Fault | null {
    const { liveRecords, storedBytes } = this.#limits;
    const wait = liveRecords === 0n ? null : this.#wait(Number(liveRecords) - this.#used("liveRecords"));
    if (wait !== null) {
      const message = `the tenant may have ${liveRecords} records that are not yet forgotten`;
      return new Fault("QUOTA_LIVE_RECORDS", message, wait);
    }
    if (storedBytes > 0n && this.#used("storedBytes") >= storedBytes) {
      return new Fault("QUOTA_BYTES", `the tenant may store ${storedBytes} bytes of results, errors and checkpoints`);
    }
    return this.#bucket && this.#refuseRate(this.#bucket);
  }

  #refuseRate(bucket: TokenBucket): Fault | null {
    const fillsInMs = bucket.waitMs();
    const wait = fillsInMs > 0 ? { retryAfterMs: Math.min(fillsInMs, RETRY_MS_MAX) } : this.#wait(bucket.tokens());
    const message = `the tenant may make ${this.#limits.newRecordsPerSecond} new records a second here`;
    return wait && new Fault("QUOTA_NEW_RECORDS", message, wait);
  }

  #settle(answer: ClaimAnswer | null): void {
    if (answer?.kind !== "acquired" || answer.reason === "reattached") return;
    const isNew = answer.reason === "new";
    if (isNew) this.#bucket?.take();
    this.#count({ liveRecords: isNew ? 1 : 0, storedBytes: 0, leases: 1 });
  }

  #count(change: Usage): void {
    this.#recent.add(change, this.#clock.monotonicMs());
  }
}

const NOTHING: Usage = { liveRecords: 0, storedBytes: 0, leases: 0 };
