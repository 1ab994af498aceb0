import type { HeartbeatAnswer, HeartbeatCall } from "../domain/calls.ts";
import type { RecordKey } from "../domain/key.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { type Caller, serveTenant } from "./access.ts";
import { faultOf } from "./faults.ts";

export interface HeartbeatDeps {
  readonly tenants: Tenants;
}

export type HeartbeatOutcome = Extract<HeartbeatAnswer, { readonly kind: "extended" }> & {
  /** With the tenant that an empty one stands for. */
  readonly key: RecordKey;
};

export type Heartbeat = (caller: Caller, call: HeartbeatCall) => Promise<HeartbeatOutcome>;

/** Whatever the tenant's health and the server's drain: what is held may finish. */
export function createHeartbeat({ tenants }: HeartbeatDeps): Heartbeat {
  return async (caller, call) => {
    const { tenant, runtime } = await serveTenant(tenants, caller, call.key.tenant, "claim");
    const key = { tenant: tenant.id, scope: call.key.scope, key: call.key.key };
    const answer = await runtime.store.heartbeat({ ...call, key }, caller.deadline);
    if (answer.kind === "fault") throw faultOf(answer.code);
    return { ...answer, key };
  };
}
