import type { Clock } from "../../clock.ts";
import type { MayAcquire } from "../../domain/calls.ts";
import { Fault } from "../../domain/fault.ts";
import type { TenantLimits } from "../../domain/tenant.ts";
import type { Usage } from "../../store/usage.ts";
import { type Quota, type Reservation, UNMETERED } from "../quota.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

/** A quota that is told what was measured. */
export interface MeteredQuota extends Quota {
  /** Begins to count anew, for a measurement that begins now; what it returns takes the result. */
  measuring(): (usage: Usage) => void;
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
 * they might use, a flood of replays would keep new work out. The price is that claims under way at once may together
 * exceed a limit, each rate paying back what it was overdrawn by.
 *
 * Records, bytes and leases are those of the newest measurement, with what this server has added and ended since it
 * began. What other servers do, what lapses and what is forgotten shows with the next one.
 */
export function createMeteredQuota({ limits, clock }: MeteredQuotaDeps): Quota | MeteredQuota {
  const { newRecordsPerSecond: rate, newRecordsBurst } = limits;
  if (rate === 0 && !needsMeasuring(limits)) return UNMETERED;
  const burst = newRecordsBurst > 0 ? newRecordsBurst : Math.max(1, rate);
  return new LimitedQuota(limits, rate === 0 ? null : createTokenBucket(rate, burst, clock));
}

export function isMetered(quota: Quota): quota is MeteredQuota {
  return "measuring" in quota;
}

class LimitedQuota implements MeteredQuota {
  readonly #limits: TenantLimits;
  readonly #bucket: TokenBucket | null;
  readonly #free: Reservation;
  #measured: Usage = NOTHING;
  /** Since the newest measurement began, and since the one under way did. */
  #since = createTally();
  #next = createTally();

  constructor(limits: TenantLimits, bucket: TokenBucket | null) {
    this.#limits = limits;
    this.#bucket = bucket;
    this.#free = this.#reservation("anything", null);
  }

  reserve(): Reservation {
    const refusal = this.#refuseLease() ?? this.#refuseRecord();
    if (refusal === null) return this.#free;
    return this.#reservation(refusal.code === "QUOTA_LEASES" ? "nothing" : "existing", refusal);
  }

  ended({ alreadyApplied, late }: Parameters<Quota["ended"]>[0], storedBytes: number): void {
    if (alreadyApplied) return;
    this.#count({ liveRecords: 0, storedBytes, leases: late ? 0 : -1 });
  }

  measuring(): (usage: Usage) => void {
    const since = createTally();
    this.#next = since;
    return (usage) => {
      this.#measured = usage;
      this.#since = since;
    };
  }

  #refuseLease(): Fault | null {
    const { leases } = this.#limits;
    if (leases === 0 || this.#measured.leases + this.#since.leases < leases) return null;
    return new Fault("QUOTA_LEASES", `the tenant may hold ${leases} leases at once`);
  }

  #refuseRecord(): Fault | null {
    const { liveRecords, storedBytes, newRecordsPerSecond } = this.#limits;
    if (liveRecords > 0n && this.#measured.liveRecords + this.#since.liveRecords >= liveRecords) {
      return new Fault("QUOTA_LIVE_RECORDS", `the tenant may have ${liveRecords} records that are not yet forgotten`);
    }
    if (storedBytes > 0n && this.#measured.storedBytes + this.#since.storedBytes >= storedBytes) {
      return new Fault("QUOTA_BYTES", `the tenant may store ${storedBytes} bytes of results, errors and checkpoints`);
    }
    const retryAfterMs = this.#bucket?.waitMs() ?? 0;
    if (retryAfterMs === 0) return null;
    const message = `the tenant may make ${newRecordsPerSecond} new records a second here`;
    return new Fault("QUOTA_NEW_RECORDS", message, { retryAfterMs });
  }

  #reservation(mayAcquire: MayAcquire, refusal: Fault | null): Reservation {
    return {
      mayAcquire,
      refusal,
      settle: (answer) => {
        if (answer?.kind !== "acquired" || answer.reason === "reattached") return;
        const isNew = answer.reason === "new";
        if (isNew) this.#bucket?.take();
        this.#count({ liveRecords: isNew ? 1 : 0, storedBytes: 0, leases: 1 });
      },
    };
  }

  #count(change: Usage): void {
    for (const tally of this.#since === this.#next ? [this.#since] : [this.#since, this.#next]) {
      tally.liveRecords += change.liveRecords;
      tally.storedBytes += change.storedBytes;
      tally.leases += change.leases;
    }
  }
}

const NOTHING: Usage = { liveRecords: 0, storedBytes: 0, leases: 0 };

function createTally() {
  return { liveRecords: 0, storedBytes: 0, leases: 0 };
}
