import type { FinishAnswer, FinishCall } from "../domain/calls.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { type Caller, serveTenant } from "./access.ts";
import { faultOf } from "./faults.ts";

export interface FinishDeps {
  readonly tenants: Tenants;
}

export type FinishOutcome = Extract<FinishAnswer, { readonly kind: "ended" }>;

/** What Complete and Fail share. Whatever the tenant's health and the server's drain: what is held may finish. */
export async function finish(
  { tenants }: FinishDeps,
  caller: Caller,
  call: Omit<FinishCall, "onlyIfDue">,
): Promise<FinishOutcome> {
  const { tenant, runtime } = await serveTenant(tenants, caller, call.key.tenant, "claim");
  const key = { ...call.key, tenant: tenant.id };
  const answer = await runtime.store.finish({ ...call, key, onlyIfDue: null }, caller.deadline);
  if (answer.kind === "fault") throw faultOf(answer.code);
  runtime.quota.ended(answer, call.outcome?.length ?? 0);
  return answer;
}
