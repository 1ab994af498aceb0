import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import { createTokenBucket } from "../quota/token-bucket.ts";
import type { TenantServiceLimits } from "./limits.ts";

/** Bounds what unknown names cost the database, whoever asks for them. */
export interface Lookups {
  /** Throws `Fault` OVERLOADED when there were too many lately. */
  require(): void;
  charge(): void;
}

export function createLookups(
  clock: Clock,
  { lookupsPerSecond, lookupsBurst }: Pick<TenantServiceLimits, "lookupsPerSecond" | "lookupsBurst">,
): Lookups {
  const bucket = createTokenBucket(lookupsPerSecond, lookupsBurst, clock);
  return {
    require() {
      const waitMs = bucket.waitMs();
      if (waitMs > 0) throw tooMany(waitMs);
    },
    charge: () => bucket.take(),
  };
}

export function tooMany(waitMs: number): Fault {
  return new Fault("OVERLOADED", "too many unknown tenants are asked for", { retryAfterMs: Math.ceil(waitMs) });
}
