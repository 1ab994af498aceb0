import type { ClaimAnswer, ClaimCall } from "../domain/calls.ts";
import type { Fault } from "../domain/fault.ts";
import { refuseAcquire } from "../domain/tenant.ts";
import type { Store } from "../store/store.ts";
import type { TenantDirectory } from "../tenants/directory.ts";
import { type Caller, enterTenant } from "./access.ts";
import { faultOf } from "./faults.ts";

export interface ClaimDeps {
  readonly store: Store;
  readonly tenants: TenantDirectory;
  /** Why this server acquires nothing now; null when it may. */
  readonly admission: () => Fault | null;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/** What the caller says of a claim; the tenant of its key may be empty. */
export type ClaimInput = Omit<ClaimCall, "token" | "mayAcquire">;

/** What became of it: everything that is not an error. */
export type ClaimOutcome = Exclude<ClaimAnswer, { readonly kind: "refused" | "fault" }>;

export type Claim = (caller: Caller, input: ClaimInput) => Promise<ClaimOutcome>;

export function createClaim({ store, tenants, admission, newToken }: ClaimDeps): Claim {
  return async (caller, input) => {
    const tenant = await enterTenant(tenants, caller, input.key.tenant, "claim");
    // The tenant's word first: it holds on every server, a drain only on this one.
    const verdict = refuseAcquire(tenant);
    const refusal = verdict === null ? admission() : faultOf(verdict);
    const key = { ...input.key, tenant: tenant.id };
    const call = { ...input, key, token: newToken(), mayAcquire: refusal === null };
    const answer = await store.claim(call, caller.deadline);
    if (answer.kind === "fault") throw faultOf(answer.code);
    if (answer.kind !== "refused") return answer;
    throw refusal ?? new Error("bug: a claim was refused that nobody refuses");
  };
}
