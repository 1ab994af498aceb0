import type { Clock } from "../../../clock.ts";
import { Fault, type FaultCode } from "../../../domain/fault.ts";
import type { Change, StoredTenant, TenantTable } from "../../../tenants/table.ts";
import { type Caller, notVisible } from "../../access.ts";
import { requireAdminOfAll } from "./access.ts";
import { type Declaration, type DeclarationTerms, declare, requireDeclared, sameRegistration } from "./declaration.ts";
import { applyHere, type OnError, type TenantControl, type TenantView, viewOf } from "./view.ts";

export interface RegisterTenantDeps {
  readonly table: Pick<TenantTable, "register" | "read">;
  readonly tenants: TenantControl;
  readonly terms: DeclarationTerms;
  readonly clock: Clock;
  readonly onError: OnError;
}

export interface RegisterTenantInput {
  readonly declaration: Declaration;
  /** Answer when the first validation has said something. */
  readonly awaitFirstValidation: boolean;
  readonly reason: string;
}

export type RegisterTenant = (caller: Caller, input: RegisterTenantInput) => Promise<TenantView>;

/** A validator takes no longer; what is built meanwhile may. */
const FIRST_VALIDATION_MS_MAX = 3000;

/**
 * A validator is asked for the first time at once, whether or not anybody waits for it. A registration that is there
 * already is answered as it stands: its caller may not have heard of the first answer.
 */
export function createRegisterTenant(deps: RegisterTenantDeps): RegisterTenant {
  const { table, tenants, clock, onError } = deps;
  return async (caller, { declaration, awaitFirstValidation, reason }) => {
    const { principal, deadline } = caller;
    requireAdminOfAll(principal);
    const change = { actor: principal.name, reason };
    const stored = await register(deps, declaration, change, deadline);
    const { id } = stored.registration;
    await applyHere(tenants, id, onError);
    if (stored.health.health !== "pending") return viewOf(stored, tenants);
    const validated = validateFirst(deps, id, change);
    if (!awaitFirstValidation) return viewOf(stored, tenants);
    await within(clock, FIRST_VALIDATION_MS_MAX, validated);
    const now = await table.read(id, deadline);
    // Somebody has unregistered it meanwhile.
    if (now === null) throw notVisible(principal);
    return viewOf(now, tenants);
  };
}

async function register(
  { table, terms }: RegisterTenantDeps,
  declaration: Declaration,
  change: Change,
  deadline: number,
): Promise<StoredTenant> {
  const registration = requireDeclared(declare(declaration, terms, null));
  try {
    const health = registration.validator.kind === "none" ? "healthy" : "pending";
    return await table.register(registration, health, change, deadline);
  } catch (error) {
    if (!(error instanceof Fault && TAKEN.has(error.code))) throw error;
    const stored = await table.read(registration.id, deadline);
    if (stored === null) throw error;
    const again = declare(declaration, terms, stored.registration);
    if (again.kind === "violations" || !sameRegistration(again.registration, stored.registration)) throw error;
    return stored;
  }
}

/** Perhaps by the very same registration. */
const TAKEN: ReadonlySet<FaultCode> = new Set<FaultCode>(["TENANT_EXISTS", "HOST_TAKEN", "ISSUER_TAKEN"]);

/** Never rejects. That somebody was faster, and has registered the tenant anew or not at all, is no failure. */
async function validateFirst({ tenants, onError }: RegisterTenantDeps, id: string, change: Change): Promise<void> {
  try {
    await tenants.recheck(id, change);
  } catch (error) {
    if (!(error instanceof Fault && OVERTAKEN.has(error.code))) onError(error);
  }
}

const OVERTAKEN: ReadonlySet<FaultCode> = new Set<FaultCode>(["TENANT_NOT_FOUND", "TENANT_CHANGED"]);

async function within(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const late = clock.sleep(ms, done.signal).catch(() => undefined);
  await Promise.race([work, late]);
  done.abort();
}
