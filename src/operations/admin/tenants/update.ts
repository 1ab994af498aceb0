import { Fault } from "../../../domain/fault.ts";
import type { TenantRegistration, Verdict } from "../../../domain/registration.ts";
import type { TenantHealth } from "../../../domain/tenant.ts";
import type { Change, StoredTenant, TenantTable } from "../../../tenants/table.ts";
import { notVisible, type WaitingCaller } from "../../access.ts";
import { requireAdminOfAll } from "./access.ts";
import {
  type Declaration,
  type DeclarationTerms,
  declare,
  requireDeclared,
  sameRegistration,
  sameValidator,
} from "./declaration.ts";
import { applyHere, type OnError, type SeenHere, type TenantControl, type TenantView, viewOf } from "./view.ts";

/** Asks a tenant's validator. Rejects with the signal's reason when aborted. */
export type ValidateTenant = (registration: TenantRegistration, signal: AbortSignal) => Promise<Verdict>;

export interface UpdateTenantDeps {
  readonly table: Pick<TenantTable, "read" | "update">;
  readonly tenants: SeenHere & Pick<TenantControl, "changed">;
  readonly terms: DeclarationTerms;
  readonly validate: ValidateTenant;
  readonly onError: OnError;
}

export interface UpdateTenantInput {
  readonly declaration: Declaration;
  /** Null: whatever it has. */
  readonly expectedGeneration: bigint | null;
  readonly reason: string;
}

/** The caller's signal ends the validation; what is written then is nothing. */
export type UpdateTenant = (
  caller: Pick<WaitingCaller, "principal" | "deadline"> & { readonly context: { readonly signal: AbortSignal } },
  input: UpdateTenantInput,
) => Promise<TenantView>;

/** How often an update of "whatever it has" begins anew because somebody else's came first. */
const TRIES_MAX = 5;

/** A validator that is new is asked before anything is written, so the old registration serves until it has agreed. */
export function createUpdateTenant(deps: UpdateTenantDeps): UpdateTenant {
  const { table, tenants, onError } = deps;
  return async (caller, { declaration, expectedGeneration, reason }) => {
    const { principal, deadline, context } = caller;
    requireAdminOfAll(principal);
    const { id } = declaration;
    const change = { actor: principal.name, reason };
    for (let tries = 1; ; tries++) {
      const stored = await table.read(id, deadline);
      if (stored === null) throw notVisible(principal);
      if (expectedGeneration !== null && stored.generation !== expectedGeneration) throw changed();
      try {
        const updated = await replace(deps, stored, declaration, change, { deadline, signal: context.signal });
        if (updated === null) throw notVisible(principal);
        // Also when it is so already: whoever repeats an update whose answer was lost is promised the same.
        await applyHere(tenants, id, onError);
        return viewOf(updated, tenants);
      } catch (error) {
        const overtaken = error instanceof Fault && error.code === "TENANT_CHANGED";
        if (!overtaken || expectedGeneration !== null || tries === TRIES_MAX) throw error;
      }
    }
  };
}

/** Only while it is the registration that was looked at, for the verdict and what is fixed speak of that one. */
async function replace(
  { table, terms, validate }: UpdateTenantDeps,
  stored: StoredTenant,
  declaration: Declaration,
  change: Change,
  { deadline, signal }: { readonly deadline: number; readonly signal: AbortSignal },
): Promise<StoredTenant | null> {
  const registration = requireDeclared(declare(declaration, terms, stored.registration));
  if (sameRegistration(registration, stored.registration)) return stored;
  const health = await healthOf(registration, stored, (candidate) => validate(candidate, signal));
  return table.update(registration, health, stored.generation, change, deadline);
}

/**
 * The health that a registration begins with when it takes the stored one's place; null: whatever it is then.
 * Throws `Fault` VALIDATION_REFUSED or VALIDATION_UNCERTAIN when its validator, asked for the first time, does not agree.
 */
export async function healthOf(
  registration: TenantRegistration,
  stored: StoredTenant,
  validate: (registration: TenantRegistration) => Promise<Verdict>,
): Promise<TenantHealth | null> {
  if (registration.validator.kind === "none") return "healthy";
  if (sameValidator(registration, stored.registration)) return null;
  const verdict = await validate(registration);
  switch (verdict.kind) {
    case "accepted":
      return "healthy";
    case "refused":
      throw new Fault("VALIDATION_REFUSED", `the validator refuses the registration: ${verdict.reason}`);
    case "uncertain":
      throw new Fault("VALIDATION_UNCERTAIN", `the validator could not be asked: ${verdict.reason}`);
  }
}

function changed(): Fault {
  return new Fault("TENANT_CHANGED", "the tenant has another generation than expected: read it again");
}
