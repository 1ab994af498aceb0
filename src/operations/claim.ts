import type { Clock } from "../clock.ts";
import type { ClaimAnswer, ClaimCall, MayAcquire } from "../domain/calls.ts";
import { Fault } from "../domain/fault.ts";
import { type Fingerprint, type Policy, sameBytes } from "../domain/record.ts";
import { refuseAcquire } from "../domain/tenant.ts";
import type { Store } from "../store/store.ts";
import type { Reservation } from "../tenants/quota.ts";
import type { TenantRuntime } from "../tenants/runtime.ts";
import type { Entered, Tenants } from "../tenants/tenants.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import { enterTenant, requireRuntime, type Served, type WaitingCaller } from "./access.ts";
import type { ClaimOutcome } from "./claim-outcome.ts";
import { createCurfew } from "./curfew.ts";
import { faultOf } from "./faults.ts";
import { giveBackUnlessReached } from "./give-back.ts";
import { canWait, type WaitDeps, waitToClaim } from "./waiting-claim.ts";

export interface ClaimDeps {
  readonly tenants: Pick<Tenants, "enter">;
  readonly clock: Clock;
  readonly waiting: WaitingObserver;
  /** Why this server acquires nothing now; null when it may. */
  readonly admission: () => Fault | null;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/** What the caller says of a claim; the tenant of its key may be empty. */
export interface ClaimInput extends Omit<ClaimCall, "token" | "mayAcquire" | "policy"> {
  /** What it leaves open is the tenant's; null: all of it. */
  readonly policy: Partial<Policy> | null;
  /** How long the call may stay open for something better than in progress. */
  readonly waitMs: number;
}

export type Claim = (caller: WaitingCaller, input: ClaimInput) => Promise<ClaimOutcome>;

export function createClaim(deps: ClaimDeps): Claim {
  const { tenants, clock, admission, newToken } = deps;

  const enter = (caller: WaitingCaller, named: string) => enterTenant(tenants, caller, named, "claim");

  const wait: WaitDeps = {
    ...deps,
    curfew: createCurfew(clock),

    async submit({ caller, runtime, call, given }, token) {
      // By now the tenant may be disabled.
      const entered = await enter(caller, call.key.tenant);
      if (!isStillServedSo(entered, runtime, given)) {
        throw new Fault("STORE_UNAVAILABLE", "the tenant was registered anew while the claim waited; claim again");
      }
      const reservation = reserve(entered, admission);
      const again = { ...call, token, mayAcquire: reservation.mayAcquire };
      return submit(runtime.store, again, reservation, caller.deadline);
    },

    onPromoted({ caller, runtime: { store, hub } }, { record, now }) {
      void giveBackUnlessReached({ ...deps, store, hub }, record, now, caller.context);
    },
  };

  return async (caller, input) => {
    const arrivedMs = clock.monotonicMs();
    const entered = await enter(caller, input.key.tenant);
    const served = requireBuilt(entered);
    const reservation = reserve(entered, admission);
    const call = callOf(input, served, newToken(), reservation.mayAcquire);
    const first = await submit(served.runtime.store, call, reservation, caller.deadline);
    const { waitMs } = input;
    if (waitMs === 0 || !canWait(first, waitMs - (clock.monotonicMs() - arrivedMs))) return first;
    const { tenant, runtime } = served;
    const asked = { ...call, mayAcquire: "anything" } as const;
    const given = input.fingerprint;
    return waitToClaim(wait, { tenant, runtime, caller, call: asked, given, first, arrivedMs, waitMs });
  };
}

/** Field by field: copies of objects were 2 kB of garbage for each claim. */
function callOf(input: ClaimInput, served: Served, token: Uint8Array, mayAcquire: MayAcquire): ClaimCall {
  const { key, claimId, fingerprint, leaseMs, intent, reuse, policy, evidence, externalRef } = input;
  const { tenant, runtime } = served;
  return {
    key: { tenant: tenant.id, scope: key.scope, key: key.key },
    claimId,
    token,
    fingerprint: runtime.fingerprint(fingerprint),
    leaseMs,
    intent,
    reuse,
    policy: policy === null ? tenant.policy : { ...tenant.policy, ...policy },
    evidence,
    externalRef,
    mayAcquire,
  };
}

async function submit(
  store: Pick<Store, "claim">,
  call: ClaimCall,
  { refusal, settle }: Reservation,
  deadline: number,
): Promise<ClaimOutcome> {
  let answer: ClaimAnswer | null = null;
  try {
    answer = await store.claim(call, deadline);
  } finally {
    settle(answer);
  }
  if (answer.kind === "fault") throw faultOf(answer.code);
  if (answer.kind !== "refused") return { ...answer, waitedMs: 0 };
  throw refusal ?? new Error("bug: a claim was refused that nobody refuses");
}

/** Records are where they were, and as they were fingerprinted. Otherwise the claim would acquire what nobody reads. */
function isStillServedSo({ runtime }: Entered, before: TenantRuntime, given: Fingerprint): boolean {
  if (runtime === before) return true;
  if (runtime === null || runtime.store !== before.store) return false;
  return sameBytes(runtime.fingerprint(given).digest, before.fingerprint(given).digest);
}

/** A tenant that could not be built says of itself why it acquires nothing; another server may replay what has ended. */
function requireBuilt(entered: Entered) {
  const verdict = entered.runtime === null ? refuseAcquire(entered.tenant) : null;
  if (verdict !== null) throw faultOf(verdict);
  return requireRuntime(entered);
}

/** The tenant's word first: it holds on every server, a drain only on this one. */
function reserve({ tenant, runtime }: Entered, admission: () => Fault | null): Reservation {
  const verdict = refuseAcquire(tenant);
  const refusal = verdict === null ? admission() : faultOf(verdict);
  if (refusal !== null) return { mayAcquire: "nothing", refusal, settle() {} };
  return requireRuntime({ tenant, runtime }).runtime.quota.reserve();
}
