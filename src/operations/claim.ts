import type { Clock } from "../clock.ts";
import type { ClaimAnswer, ClaimCall } from "../domain/calls.ts";
import { Fault } from "../domain/fault.ts";
import { type Fingerprint, type Policy, sameBytes } from "../domain/record.ts";
import { refuseAcquire } from "../domain/tenant.ts";
import type { Reservation } from "../tenants/quota.ts";
import type { TenantRuntime } from "../tenants/runtime.ts";
import type { Entered, Tenants } from "../tenants/tenants.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import { enterTenant, requireRuntime, type WaitingCaller } from "./access.ts";
import type { ClaimOutcome } from "./claim-outcome.ts";
import { createCurfew } from "./curfew.ts";
import { faultOf } from "./faults.ts";
import { giveBackUnlessReached } from "./give-back.ts";
import { canWait, waitToClaim } from "./waiting-claim.ts";

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
  /** What it leaves open is the tenant's. */
  readonly policy: Partial<Policy>;
  /** How long the call may stay open for something better than in progress. */
  readonly waitMs: number;
}

export type Claim = (caller: WaitingCaller, input: ClaimInput) => Promise<ClaimOutcome>;

export function createClaim(deps: ClaimDeps): Claim {
  const { tenants, clock, admission, newToken } = deps;
  const curfew = createCurfew(clock);
  return async (caller, { waitMs, ...input }) => {
    const arrivedMs = clock.monotonicMs();
    const enter = () => enterTenant(tenants, caller, input.key.tenant, "claim");
    const entered = await enter();
    const { tenant, runtime } = requireBuilt(entered);
    const { store, hub } = runtime;
    const call: ClaimCall = {
      ...input,
      key: { ...input.key, tenant: tenant.id },
      fingerprint: runtime.fingerprint(input.fingerprint),
      policy: { ...tenant.policy, ...input.policy },
      token: newToken(),
      mayAcquire: "anything",
    };

    const submit = async (now: Entered, token: Uint8Array): Promise<ClaimOutcome> => {
      if (!isStillServedSo(now, runtime, input.fingerprint)) {
        throw new Fault("STORE_UNAVAILABLE", "the tenant was registered anew while the claim waited; claim again");
      }
      const { mayAcquire, refusal, settle } = reserve(now, admission);
      let answer: ClaimAnswer | null = null;
      try {
        answer = await store.claim({ ...call, token, mayAcquire }, caller.deadline);
      } finally {
        settle(answer);
      }
      if (answer.kind === "fault") throw faultOf(answer.code);
      if (answer.kind !== "refused") return { ...answer, waitedMs: 0 };
      throw refusal ?? new Error("bug: a claim was refused that nobody refuses");
    };

    const first = await submit(entered, call.token);
    if (waitMs === 0 || !canWait(first, waitMs - (clock.monotonicMs() - arrivedMs))) return first;
    using _ = hub.admit(tenant, 1);
    return await waitToClaim(
      { ...deps, hub, curfew },
      {
        ...{ call, first, arrivedMs, waitMs },
        caller: caller.context,
        // By then the tenant may be disabled.
        submit: async (token) => submit(await enter(), token),
        newToken,
        onPromoted: (answer) =>
          void giveBackUnlessReached({ ...deps, store, hub }, answer.record, answer.now, caller.context),
      },
    );
  };
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
