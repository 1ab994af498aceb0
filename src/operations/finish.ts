import type { FinishAnswer, FinishCall } from "../domain/calls.ts";
import type { Store } from "../store/store.ts";
import type { TenantDirectory } from "../tenants/directory.ts";
import { type Caller, enterTenant } from "./access.ts";
import { faultOf } from "./faults.ts";

export interface FinishDeps {
  readonly store: Store;
  readonly tenants: TenantDirectory;
}

export type FinishOutcome = Extract<FinishAnswer, { readonly kind: "ended" }>;

/** What Complete and Fail share. Whatever the tenant's health and the server's drain: what is held may finish. */
export async function finish(
  { store, tenants }: FinishDeps,
  caller: Caller,
  call: Omit<FinishCall, "onlyIfDue">,
): Promise<FinishOutcome> {
  const tenant = await enterTenant(tenants, caller, call.key.tenant, "claim");
  const key = { ...call.key, tenant: tenant.id };
  const answer = await store.finish({ ...call, key, onlyIfDue: null }, caller.deadline);
  if (answer.kind === "fault") throw faultOf(answer.code);
  return answer;
}
