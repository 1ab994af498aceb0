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
  /**
   * A changed row of what is held replaces that without a gap; one of another registration under the same id replaces it
   * at once, for what is built of it is a deleted tenant's. Throws `Fault` OVERLOADED when too many tenants are in use at
   * once, unless it is an eager one.
   */
  hold(row: StoredTenant): void;
  /** By the change of this number: what is held of the id is gone, unless it came later. */
  unregistered(id: string, sequence: bigint): void;
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
    hold(row) {
      const { registration, generation, health, draining } = row;
      const { id, eager } = registration;
      const state = registry.state(id);
      const held = state === null ? null : rowOf((state.candidate ?? state).registration);
      if (held !== null && isSame(held, row)) {
        registry.observe(id, generation, health, draining);
        return;
      }
      if (held !== null && !isChange(held, row)) registry.unregister(id);
      if (held === null && !eager && registry.size >= registeredMax) makeRoom();
      const options = { generation, health, draining };
      if (!eager) registry.registerLazy(nameless(row), options);
      // What it throws is for those who wait for the first validation.
      else registry.register(nameless(row), options).catch(() => undefined);
    },
    unregistered(id, sequence) {
      const state = registry.state(id);
      if (state !== null && state.generation < sequence) registry.unregister(id);
    },
    tidy: () => void registry.forgetIdle(idleMs),
  };
}

/** Nothing but health and draining can differ. */
function isSame(held: StoredTenant, row: StoredTenant): boolean {
  return held.generation === row.generation && held.updateTime === row.updateTime && isKin(held, row);
}

/**
 * A later row of the same registration. The rows of one tenant come in order: when anything goes back, the database itself
 * was set back, and has gone on otherwise.
 */
function isChange(held: StoredTenant, row: StoredTenant): boolean {
  return held.generation < row.generation && held.updateTime <= row.updateTime && isKin(held, row);
}

/** Who registers an id again may do so with other fixed parts, and at another instant in any case. */
function isKin(held: StoredTenant, row: StoredTenant): boolean {
  const [one, other] = [held.registration, row.registration];
  return held.createTime === row.createTime && one.placement === other.placement && one.encrypted === other.encrypted;
}

const rows = new WeakMap<TenantRegistration, StoredTenant>();

/** Of what was held here. */
function rowOf(bare: TenantRegistration): StoredTenant {
  const row = rows.get(bare);
  if (row === undefined) throw new Error("bug: a tenant is held that is no row");
  return row;
}

/**
 * The registry is told no names. It knows a part of the tenants, so it could find a shorter prefix than the longest; and
 * a host that goes from one tenant to another would be taken as long as the two rows come in the other order.
 */
function nameless(row: StoredTenant): TenantRegistration {
  const bare = { ...row.registration, hosts: [], issuers: [] };
  rows.set(bare, row);
  return bare;
}

/** What the registry asks for, of the whole registration. */
export function named<Runtime>(deps: {
  readonly build: RegistryDeps<Runtime>["build"];
  readonly validate: (registration: TenantRegistration, signal: AbortSignal) => Promise<Verdict>;
}): Pick<RegistryDeps<Runtime>, "build" | "validate"> {
  const whole = (bare: TenantRegistration) => rowOf(bare).registration;
  return {
    build: (bare, signal) => deps.build(whole(bare), signal),
    validate: (bare, signal) => deps.validate(whole(bare), signal),
  };
}
