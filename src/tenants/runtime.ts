import type { Fingerprint } from "../domain/record.ts";
import type { TrustedIssuer } from "../domain/registration.ts";
import type { Store } from "../store/store.ts";
import type { Hub } from "../waiting/hub.ts";
import { type Quota, UNMETERED } from "./quota.ts";

/** What this process has to serve one tenant with. */
export interface TenantRuntime {
  /** Of the cluster where the tenant's records are. Wakes those who wait. */
  readonly store: Store;
  /** Those who wait for records of that cluster. */
  readonly hub: Hub;
  readonly quota: Quota;
  /** A caller's fingerprint as the tenant's records hold it. */
  readonly fingerprint: (given: Fingerprint) => Fingerprint;
  /** Whose tokens are the tenant's. */
  readonly issuers: readonly TrustedIssuer[];
}

/** Of a tenant without limits and encryption. */
export function plainRuntime({ store, hub }: Pick<TenantRuntime, "store" | "hub">): TenantRuntime {
  return { store, hub, quota: UNMETERED, fingerprint: (given) => given, issuers: [] };
}
