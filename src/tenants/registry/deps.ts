import type { Clock } from "../../clock.ts";
import type { Instant } from "../../domain/instant.ts";
import type { TenantRegistration, Verdict } from "../../domain/registration.ts";
import type { Tenant, TenantHealth } from "../../domain/tenant.ts";
import type { HealthEvent } from "../../domain/tenant-health.ts";
import type { HealthState } from "../table.ts";

export interface RegistryDeps<Runtime> {
  /** For back-off and idle times. */
  readonly clock: Clock;
  /** Wall time: since when a health holds that nobody else dates. */
  readonly now: () => Instant;
  /** Makes what serves a tenant. The signal is aborted when that is not wanted any more; what comes is disposed of. */
  readonly build: (registration: TenantRegistration, signal: AbortSignal) => Promise<Runtime>;
  /** Of a runtime that nobody is given any more; calls in flight go on with it. Once for each. Must not throw. */
  readonly dispose: (runtime: Runtime) => void;
  /** Not asked for a tenant without validator. Throwing is uncertainty; the error goes to the caller of a recheck only. */
  readonly validate: (registration: TenantRegistration, signal: AbortSignal) => Promise<Verdict>;
  /**
   * Makes a change of health durable before it holds here, and says what holds then: another server may have been
   * first. Null: this generation is gone. By default what is proposed holds.
   */
  readonly commit?: (change: HealthChange) => Promise<HealthState | null>;
  /**
   * Whether a build failed for a reason that passes, as when the database is away: then it leaves no mark, and the next
   * call builds again. By default an `AbortError`.
   */
  readonly isPassing?: (error: unknown) => boolean;
  readonly limits?: RegistryLimits;
  readonly observer?: RegistryObserver;
}

export interface RegistryLimits {
  /** From the first uncertain validation of a pending tenant to the next one; doubles with each. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** Builds at once that nobody waits for. Those that somebody waits for are bounded by who waits. */
  readonly backgroundMax: number;
}

export const REGISTRY_LIMITS: RegistryLimits = { retryMs: 1_000, retryMsMax: 60_000, backgroundMax: 16 };

/** What a validation makes of a health, as it is known here. */
export interface HealthChange {
  readonly id: string;
  readonly generation: bigint;
  readonly from: TenantHealth;
  /** The same as `from` when only the reason changes, or when somebody asked for a recheck. */
  readonly to: TenantHealth;
  readonly reason: string;
  readonly event: HealthEvent;
}

/** What the registry tells log and metrics. Must not throw. */
export interface RegistryObserver {
  /** A build ended after so long; the error is null when it succeeded. */
  built(id: string, ms: number, error: unknown): void;
  /** Another health holds on this server from now on. */
  transition(transition: Transition): void;
  /** The validator of a pending tenant could not tell, for the first time in a row. */
  undecided(validation: Undecided): void;
  /** A validation that nobody waits for threw, or its outcome could not be made durable. */
  failed(id: string, error: unknown): void;
}

export interface Undecided {
  readonly id: string;
  readonly generation: bigint;
  readonly reason: string;
}

export interface Transition {
  readonly id: string;
  readonly generation: bigint;
  readonly from: TenantHealth;
  readonly to: TenantHealth;
  readonly reason: string;
  /** "built": a build has succeeded after one that failed. "observed": somebody else made the change. */
  readonly event: HealthEvent["kind"] | "built" | "observed";
}

export interface RegisterOptions {
  /** Greater than every one that the id had before; by default the registry counts, over all ids, from 1. */
  readonly generation?: bigint;
  /** By default pending, and healthy without validator. Any other than pending is not validated by itself. */
  readonly health?: HealthState;
  /** By default as it was; false for a new tenant. */
  readonly draining?: boolean;
}

export interface Registered {
  readonly id: string;
  /** The one that is held: greater than what was given when that came too late. */
  readonly generation: bigint;
  readonly health: HealthState;
  /** False: it was registered like that already, or more newly. */
  readonly isNew: boolean;
}

/** A tenant as a call finds it. The same object until something about the tenant changes. */
export interface Resolved<Runtime> {
  readonly tenant: Tenant;
  /** Null when its build failed; the tenant is disabled then. */
  readonly runtime: Runtime | null;
}

/** What there is of one generation. */
export type Phase = "cold" | "building" | "built" | "failed";

export interface GenerationState {
  /** The object that was registered. */
  readonly registration: TenantRegistration;
  readonly generation: bigint;
  readonly health: HealthState;
  readonly phase: Phase;
}

export interface TenantState extends GenerationState {
  readonly id: string;
  readonly draining: boolean;
  /** What is to replace it once that is built and validated. */
  readonly candidate: GenerationState | null;
}
