import type { FinishAnswer, FinishCall } from "../domain/calls.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { type Caller, serveTenant } from "./access.ts";
import { endDigest } from "./end-digest.ts";
import { faultOf } from "./faults.ts";

export interface FinishDeps {
  readonly tenants: Tenants;
}

export type FinishOutcome = Extract<FinishAnswer, { readonly kind: "ended" }>;

/** What an end says of the attempt. */
export type Said = Pick<FinishCall, "kind" | "outcome" | "delayMs" | "checkpoint">;

/** What Complete and Fail share. Whatever the tenant's health and the server's drain: what is held may finish. */
export async function finish(
  { tenants }: FinishDeps,
  caller: Caller,
  { key, proof }: Pick<FinishCall, "key" | "proof">,
  said: Said,
): Promise<FinishOutcome> {
  const { tenant, runtime } = await serveTenant(tenants, caller, key.tenant, "claim");
  const { kind, outcome, delayMs, checkpoint } = said;
  const call: FinishCall = {
    key: { tenant: tenant.id, scope: key.scope, key: key.key },
    proof,
    kind,
    outcome,
    digest: endDigest(said),
    delayMs,
    checkpoint,
    onlyIfDue: null,
  };
  const answer = await runtime.store.finish(call, caller.deadline);
  if (answer.kind === "fault") throw faultOf(answer.code);
  runtime.quota.ended(answer, outcome?.length ?? 0);
  return answer;
}
