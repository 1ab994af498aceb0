import type { Clock } from "../clock.ts";
import type { ClaimCall } from "../domain/calls.ts";
import type { Fault } from "../domain/fault.ts";
import { refuseAcquire } from "../domain/tenant.ts";
import type { Store } from "../store/store.ts";
import type { TenantDirectory } from "../tenants/directory.ts";
import type { Hub } from "../waiting/hub.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import { enterTenant, type WaitingCaller } from "./access.ts";
import type { ClaimOutcome } from "./claim-outcome.ts";
import { createCurfew } from "./curfew.ts";
import { faultOf } from "./faults.ts";
import { giveBackUnlessReached } from "./give-back.ts";
import { canWait, waitToClaim } from "./waiting-claim.ts";

export interface ClaimDeps {
  readonly store: Store;
  readonly tenants: TenantDirectory;
  readonly hub: Pick<Hub, "admit" | "join" | "closed">;
  readonly clock: Clock;
  readonly waiting: WaitingObserver;
  /** Why this server acquires nothing now; null when it may. */
  readonly admission: () => Fault | null;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/** What the caller says of a claim; the tenant of its key may be empty. */
export interface ClaimInput extends Omit<ClaimCall, "token" | "mayAcquire"> {
  /** How long the call may stay open for something better than in progress. */
  readonly waitMs: number;
}

export type Claim = (caller: WaitingCaller, input: ClaimInput) => Promise<ClaimOutcome>;

export function createClaim(deps: ClaimDeps): Claim {
  const { store, tenants, hub, clock, admission, newToken } = deps;
  const waitDeps = { ...deps, curfew: createCurfew(clock) };
  return async (caller, { waitMs, ...input }) => {
    const arrivedMs = clock.monotonicMs();
    const enter = () => enterTenant(tenants, caller, input.key.tenant, "claim");
    const tenant = await enter();
    const call = { ...input, key: { ...input.key, tenant: tenant.id }, token: newToken(), mayAcquire: true };

    const submit = async (at: typeof tenant, token: Uint8Array): Promise<ClaimOutcome> => {
      // The tenant's word first: it holds on every server, a drain only on this one.
      const verdict = refuseAcquire(at);
      const refusal = verdict === null ? admission() : faultOf(verdict);
      const answer = await store.claim({ ...call, token, mayAcquire: refusal === null }, caller.deadline);
      if (answer.kind === "fault") throw faultOf(answer.code);
      if (answer.kind !== "refused") return { ...answer, waitedMs: 0 };
      throw refusal ?? new Error("bug: a claim was refused that nobody refuses");
    };

    const first = await submit(tenant, call.token);
    if (waitMs === 0 || !canWait(first, waitMs - (clock.monotonicMs() - arrivedMs))) return first;
    using _ = hub.admit(tenant, 1);
    return await waitToClaim(waitDeps, {
      ...{ call, first, arrivedMs, waitMs },
      caller: caller.context,
      // By then the tenant may be disabled.
      submit: async (token) => submit(await enter(), token),
      newToken,
      onPromoted: (answer) => void giveBackUnlessReached(deps, answer.record, answer.now, caller.context),
    });
  };
}
