import type { JWTPayload } from "jose";
import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import type { GuardedFetch } from "../../tenants/validators/guarded-fetch.ts";
import type { Role } from "../authenticator.ts";
import { ALGORITHMS, type Algorithm } from "./algorithms.ts";
import { type Grant, rolesIn, tenantIn } from "./grant.ts";
import { createKeySets, type KeySetFetch, type KeySets } from "./key-sets.ts";

/** The issuer that the server itself is configured with: its tokens say which tenant they are for. */
export interface ConfiguredIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly tenantClaim?: string;
  readonly rolesClaim?: string;
  /** May reach what the operator allows it to. */
  readonly fetch: GuardedFetch;
}

/** The issuers that tenants registered: a token is for the tenant that registered its issuer, whatever it says. */
export interface RegisteredIssuers {
  /** Who registered this issuer for this subject; null: nobody. Asked for each call, so it answers from memory. */
  readonly trusted: (issuer: string, subject: string, deadline: number) => Promise<TrustedTenant | null>;
  readonly fetch: GuardedFetch;
}

export interface TrustedTenant {
  readonly tenant: string;
  readonly audience: string;
  /** Empty: its tokens let nobody in. */
  readonly jwksUrl: string;
}

/** How a token is verified, and what it allows then. */
export interface Trust {
  readonly audience: string;
  readonly jwksUrl: string;
  readonly keySets: KeySets;
  /** Throws when the claims are none that allow anything. */
  readonly grant: (claims: JWTPayload) => Grant;
  /** Two of one text verify the same tokens and allow the same. */
  readonly text: string;
}

/** Throws when nobody trusts the issuer with this subject. */
export type FindTrust = (issuer: string, subject: string, deadline: number) => Promise<Trust>;

/** Must not throw. */
export interface KeySetObserver {
  /** The keys of an issuer were asked for, because of a token that names it. */
  fetched(whose: "configured" | "registered", issuer: string, fetch: KeySetFetch): void;
}

export interface TrustDeps {
  readonly clock: Clock;
  /** What tokens may be signed with, whoever issued them. */
  readonly algorithms: readonly Algorithm[];
  readonly configured: ConfiguredIssuer | null;
  readonly registered: RegisteredIssuers | null;
  readonly observer: KeySetObserver;
}

/** The configured issuer comes first: no registration can take it over. */
export function createFindTrust(deps: TrustDeps): FindTrust {
  const { algorithms, configured, registered } = deps;
  const unknown = algorithms.find((algorithm) => !ALGORITHMS.includes(algorithm));
  if (unknown !== undefined) throw new Error(`${unknown} is not an algorithm that may be allowed for tokens`);
  const own = configured === null ? null : trustOfConfigured(deps, configured);
  const findRegistered = registered === null ? null : createFindRegistered(deps, registered);
  return async (issuer, subject, deadline) => {
    if (own !== null && issuer === configured?.issuer) return own;
    if (findRegistered === null) throw new Error("nobody trusts the token's issuer");
    return findRegistered(issuer, subject, deadline);
  };
}

function trustOfConfigured({ clock, observer }: TrustDeps, configured: ConfiguredIssuer): Trust {
  const { audience, jwksUrl, fetch, tenantClaim = "tenant", rolesClaim = "roles" } = configured;
  if (configured.issuer === "" || audience === "") throw new Error("an issuer of tokens needs a name and an audience");
  const grant = (claims: JWTPayload): Grant => ({
    tenant: tenantIn(claims, tenantClaim),
    roles: rolesIn(claims, rolesClaim),
  });
  const onFetched = (issuer: string, fetched: KeySetFetch) => observer.fetched("configured", issuer, fetched);
  return { audience, jwksUrl, keySets: createKeySets({ clock, fetch, onFetched }), grant, text: "configured" };
}

const REGISTERED_ROLES: ReadonlySet<Role> = new Set<Role>(["claim", "read"]);

function createFindRegistered({ clock, observer }: TrustDeps, { trusted, fetch }: RegisteredIssuers): FindTrust {
  const onFetched = (issuer: string, fetched: KeySetFetch) => observer.fetched("registered", issuer, fetched);
  // By URL, not by issuer: two tenants may name one issuer for different subjects, each with keys of its own.
  const keySets = createKeySets({ clock, fetch, onFetched });
  return async (issuer, subject, deadline) => {
    const found = await trusted(issuer, subject, deadline).catch((cause: unknown) => {
      // Not the token's fault, so it must not read as one.
      throw cause instanceof Fault ? cause : new Fault("INTERNAL", "the issuer could not be looked up", { cause });
    });
    if (found === null) throw new Error("nobody trusts the token's issuer with its subject");
    const { tenant, audience, jwksUrl } = found;
    if (jwksUrl === "" || audience === "") throw new Error("the token's issuer is registered without keys");
    const grant = () => ({ tenant, roles: REGISTERED_ROLES });
    const text = JSON.stringify([tenant, audience, jwksUrl]);
    return { audience, jwksUrl, keySets, grant, text };
  };
}
