import { Fault, type FieldViolation } from "../../../domain/fault.ts";
import type { Policy } from "../../../domain/record.ts";
import type { TenantRegistration } from "../../../domain/registration.ts";
import { DEFAULT_POLICY, type TenantHealth } from "../../../domain/tenant.ts";
import { normaliseHost } from "../../../tenants/hosts.ts";
import { normalisePath } from "../../../tenants/paths.ts";
import type { Reach } from "../../../tenants/validators/target.ts";
import { checkHosts, checkIssuers, checkLimits, checkValidator, type Report } from "./declaration-rules.ts";

/** A registration as somebody wants it: in any spelling, and not checked beyond the form of its fields. */
export interface Declaration extends Omit<TenantRegistration, "policy" | "encrypted"> {
  /** Empty: as it is, or the first of `DeclarationTerms.placements`. */
  readonly placement: string;
  /** Null: as it is, or whether the server has a master key. */
  readonly encrypted: boolean | null;
  /** What it leaves open has its default. */
  readonly policy: Partial<Policy>;
  /** Empty: healthy and unverified. */
  readonly serveStates: readonly TenantHealth[];
}

/** What a server allows of registrations. */
export interface DeclarationTerms {
  /** The configured clusters, the default first. */
  readonly placements: readonly [string, ...string[]];
  readonly hasMasterKey: boolean;
  /** Which addresses of validators and key sets may be asked. */
  readonly reach: Reach;
}

export type Declared =
  | { readonly kind: "registration"; readonly registration: TenantRegistration }
  /** Paths begin at the registration: `hosts[0].host`. */
  | { readonly kind: "violations"; readonly violations: readonly FieldViolation[] };

/**
 * What is registered when this is declared: normalised, with the defaults filled in, or everything that is wrong with it.
 *
 * @param stored the registration that it is to replace; null: there is none
 */
export function declare(
  declaration: Declaration,
  terms: DeclarationTerms,
  stored: TenantRegistration | null,
): Declared {
  const violations: FieldViolation[] = [];
  const report: Report = (field, allowed) => violations.push({ field, allowed });
  checkHosts(declaration.hosts, report);
  checkIssuers(declaration.issuers, terms.reach, report);
  checkValidator(declaration.validator, terms.reach, report);
  checkLimits(declaration.limits, report);
  const placement = placementOf(declaration.placement, terms, stored, report);
  const encrypted = encryptedOf(declaration.encrypted, terms, stored, report);
  if (violations.length > 0) return { kind: "violations", violations };
  const { hosts, limits, policy, serveStates } = declaration;
  return {
    kind: "registration",
    registration: {
      ...declaration,
      hosts: hosts.map(({ host, path }) => ({ host: normaliseHost(host), path: normalisePath(path) })),
      // 0 that came as -0 would differ from what is read back.
      limits: { ...limits, newRecordsPerSecond: limits.newRecordsPerSecond + 0 },
      policy: { ...DEFAULT_POLICY, ...policy },
      serveStates: SERVE_STATES.filter((state) => (serveStates.length === 0 ? DEFAULTS : serveStates).includes(state)),
      placement,
      encrypted,
    },
  };
}

/** Throws `Fault` FIELD_INVALID that names every field which breaks a rule, below `registration`. */
export function requireDeclared(declared: Declared): TenantRegistration {
  if (declared.kind === "registration") return declared.registration;
  const violations = declared.violations.map(({ field, allowed }) => ({ field: `registration.${field}`, allowed }));
  const named = violations.slice(0, NAMED_FIELDS_MAX).map(({ field, allowed }) => `${field} ${allowed}`);
  const more = violations.length - named.length;
  throw new Fault("FIELD_INVALID", named.join("; ") + (more > 0 ? `; and ${more} more` : ""), { violations });
}

const NAMED_FIELDS_MAX = 3;

/** Whether one can stand for the other. The order of lists means nothing. */
export function sameRegistration(one: TenantRegistration, other: TenantRegistration): boolean {
  return canonicalText(one) === canonicalText(other);
}

export function sameValidator(one: TenantRegistration, other: TenantRegistration): boolean {
  return textOf(one.validator) === textOf(other.validator);
}

/** In one order, so that what was declared in another one is the same. */
const SERVE_STATES = ["pending", "healthy", "unverified", "disabled"] as const satisfies readonly TenantHealth[];
const DEFAULTS: readonly TenantHealth[] = ["healthy", "unverified"];

function placementOf(named: string, terms: DeclarationTerms, stored: TenantRegistration | null, report: Report) {
  const { placements } = terms;
  if (stored !== null) {
    if (named !== "" && named !== stored.placement) report("placement", "is fixed, and must be empty or as registered");
    return stored.placement;
  }
  const placement = named === "" ? placements[0] : named;
  if (!placements.includes(placement)) report("placement", `must be empty or one of ${placements.join(", ")}`);
  return placement;
}

function encryptedOf(
  wanted: boolean | null,
  { hasMasterKey }: DeclarationTerms,
  stored: TenantRegistration | null,
  report: Report,
): boolean {
  if (stored !== null) {
    if (wanted !== null && wanted !== stored.encrypted)
      report("encrypted", "is fixed, and must be unset or as registered");
    return stored.encrypted;
  }
  if (wanted === true && !hasMasterKey) report("encrypted", "must be unset or false: this server has no master key");
  return wanted ?? hasMasterKey;
}

function canonicalText(registration: TenantRegistration): string {
  return textOf({
    ...registration,
    hosts: registration.hosts.map(textOf).sort(),
    issuers: registration.issuers.map(textOf).sort(),
    serveStates: registration.serveStates.toSorted(),
  });
}

/** The names in one order, whoever made the object. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
