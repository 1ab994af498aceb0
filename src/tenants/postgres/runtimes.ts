import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import type { TenantRegistration } from "../../domain/registration.ts";
import type { Run } from "../../store/postgres/run.ts";
import { createUsageSource } from "../../store/postgres/usage.ts";
import { sealFingerprint } from "../../store/sealed/data-keys.ts";
import type { Sealing } from "../../store/sealed/sealing.ts";
import type { Measuring } from "../quota/measuring.ts";
import { createMeteredQuota, isMetered, needsMeasuring } from "../quota/metered.ts";
import type { TenantRuntime } from "../runtime.ts";

/** The cluster where a tenant's records are. */
export interface RecordPlace extends Pick<TenantRuntime, "store" | "hub"> {
  /** For what tenants use; on a connection of its own. */
  readonly measure: Run;
}

export interface RuntimesDeps {
  readonly placements: { of(name: string): RecordPlace | null };
  readonly sealing: Pick<Sealing, "keysOf">;
  readonly clock: Clock;
  readonly measuring: Measuring;
}

/** What each tenant is served with, and what ends with that. */
export function createRuntimes({ placements, sealing, measuring, clock }: RuntimesDeps) {
  const ends = new WeakMap<TenantRuntime, AbortController>();

  const build = async (registration: TenantRegistration): Promise<TenantRuntime> => {
    const { limits, issuers } = registration;
    const placement = placements.of(registration.placement);
    // What the fault says is shown as the reason of the tenant's health here.
    if (placement === null) {
      throw new Fault("TENANT_DISABLED", `the placement ${registration.placement} is not configured on this server`);
    }
    const keys = await sealing.keysOf(registration);
    const quota = createMeteredQuota({ limits, clock });
    const ended = new AbortController();
    if (isMetered(quota) && needsMeasuring(limits)) {
      const source = createUsageSource({ run: placement.measure });
      await measuring.follow(registration.id, quota, source, ended.signal);
    }
    const { store, hub } = placement;
    const fingerprint: TenantRuntime["fingerprint"] =
      keys === null ? (given) => given : (given) => sealFingerprint(keys, given);
    const runtime = { store, hub, quota, fingerprint, issuers };
    ends.set(runtime, ended);
    return runtime;
  };

  const dispose = (runtime: TenantRuntime) => ends.get(runtime)?.abort(new Error("the tenant is not served any more"));
  return { build, dispose };
}
