import type { Tenant } from "../../domain/tenant.ts";
import type { GenerationState, Resolved, TenantState } from "./deps.ts";
import type { Slot } from "./slot.ts";

/** What is registered under one id. */
export interface Entry<Runtime> {
  current: Slot<Runtime>;
  /** What is to replace the current one, which is built and serves as long. */
  candidate: Slot<Runtime> | null;
  draining: boolean;
  /** Instant of the clock of the last resolve. */
  usedMs: number;
  /** What a resolve is answered with, until something changes. */
  answer: Promise<Resolved<Runtime>> | null;
}

export function newestOf<Runtime>({ current, candidate }: Entry<Runtime>): Slot<Runtime> {
  return candidate ?? current;
}

/** Null while it is not known yet whether it can be built. */
export function answerOf<Runtime>({ current, draining }: Entry<Runtime>): Promise<Resolved<Runtime>> | null {
  if (current.phase !== "built" && current.phase !== "failed") return null;
  const { registration, health, generation, runtime } = current;
  const tenant: Tenant = {
    id: registration.id,
    displayName: registration.displayName,
    health: health.health,
    healthReason: health.reason,
    healthSince: health.since,
    draining,
    serveStates: registration.serveStates,
    limits: registration.limits,
    policy: registration.policy,
    generation,
  };
  return Promise.resolve(Object.freeze({ tenant: Object.freeze(tenant), runtime }));
}

export function stateOf<Runtime>({ current, candidate, draining }: Entry<Runtime>): TenantState {
  return {
    id: current.registration.id,
    ...generationOf(current),
    draining,
    candidate: candidate && generationOf(candidate),
  };
}

function generationOf<Runtime>({ registration, generation, health, phase }: Slot<Runtime>): GenerationState {
  return { registration, generation, health, phase };
}
