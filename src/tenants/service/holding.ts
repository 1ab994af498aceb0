import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import type { TenantRegistration, Verdict } from "../../domain/registration.ts";
import type { RegistryDeps } from "../registry/deps.ts";
import type { TenantRegistry } from "../registry.ts";
import type { StoredTenant } from "../table.ts";
import type { TenantServiceLimits } from "./limits.ts";

export interface HoldingDeps<Runtime> {
  readonly registry: TenantRegistry<Runtime>;
  readonly clock: Clock;
  readonly limits: Pick<TenantServiceLimits, "registeredMax" | "idleMs">;
}

/** Brings rows into the registry, and keeps it small. */
export interface Holding {
  /** Throws `Fault` OVERLOADED when too many tenants are in use at once, unless it is an eager one. */
  hold(row: StoredTenant): void;
  /** Lets go of those that nobody uses. */
  tidy(): void;
}

/** Idle for less, a tenant is in use. */
const IN_USE_MS = 1_000;
/** How full it may be after one that was full was tidied. */
const FILL = 0.9;

export function createHolding<Runtime>({ registry, clock, limits }: HoldingDeps<Runtime>): Holding {
  const { registeredMax, idleMs } = limits;
  let tidiedMs = Number.NEGATIVE_INFINITY;

  /** Once a second at most: it looks at everything that is held. */
  const makeRoom = () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - tidiedMs >= IN_USE_MS) {
      tidiedMs = nowMs;
      for (let ms = idleMs; ms >= IN_USE_MS && registry.size > registeredMax * FILL; ms /= 2) registry.forgetIdle(ms);
    }
    if (registry.size < registeredMax) return;
    throw new Fault("OVERLOADED", "too many tenants are in use on this server at once", { retryAfterMs: IN_USE_MS });
  };

  return {
    hold({ registration, generation, health, draining }) {
      const { id, eager } = registration;
      const held = registry.state(id);
      const newest = (held?.candidate ?? held)?.generation ?? null;
      if (newest === generation) {
        registry.observe(id, generation, health, draining);
        return;
      }
      // The rows of one tenant come in order: the database itself was set back.
      if (newest !== null && newest > generation) registry.unregister(id);
      if (held === null && !eager && registry.size >= registeredMax) makeRoom();
      const options = { generation, health, draining };
      if (!eager) registry.registerLazy(nameless(registration), options);
      // What it throws is for those who wait for the first validation.
      else registry.register(nameless(registration), options).catch(() => undefined);
    },
    tidy: () => void registry.forgetIdle(idleMs),
  };
}

const declared = new WeakMap<TenantRegistration, TenantRegistration>();

/**
 * The registry is told no names. It knows a part of the tenants, so it could find a shorter prefix than the longest; and
 * a host that goes from one tenant to another would be taken as long as the two rows come in the other order.
 */
function nameless(registration: TenantRegistration): TenantRegistration {
  const bare = { ...registration, hosts: [], issuers: [] };
  declared.set(bare, registration);
  return bare;
}

/** What the registry asks for, of the whole registration. */
export function named<Runtime>(deps: {
  readonly build: RegistryDeps<Runtime>["build"];
  readonly validate: (registration: TenantRegistration, signal: AbortSignal) => Promise<Verdict>;
}): Pick<RegistryDeps<Runtime>, "build" | "validate"> {
  const whole = (bare: TenantRegistration) => declared.get(bare) ?? bare;
  return {
    build: (bare, signal) => deps.build(whole(bare), signal),
    validate: (bare, signal) => deps.validate(whole(bare), signal),
  };
}
