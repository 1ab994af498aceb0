/** What a credential allows: to use records, to read them, to operate tenants, to administer everything. */
export type Role = "claim" | "read" | "operate" | "admin";

/** Who calls. */
export interface Principal {
  /** The one tenant it may name; null: every tenant. */
  readonly tenant: string | null;
  readonly roles: ReadonlySet<Role>;
  /** False when the server runs without authentication: then an unknown tenant is said to be unknown. */
  readonly authenticated: boolean;
  /** For the audit log and for errors in the log: api-key:ID, jwt:ISSUER#SUBJECT, certificate:NAME, anonymous. */
  readonly name: string;
}

/** What a call brings along to say who calls. */
export interface Credentials {
  /** ASCII metadata by lower-case name. */
  metadata(name: string): string | undefined;
  /** The client's certificate, verified by the transport; null without one. */
  certificate(): ClientCertificate | null;
  /** Set where many calls come with the same credentials, on one stream: the same object for all of them. */
  readonly stream?: object;
}

export interface ClientCertificate {
  /** Its subject alternative names, as "DNS:name" and "URI:address". */
  readonly names: readonly string[];
}

/**
 * Throws `Fault` CREDENTIALS_INVALID, with one text for every cause. When it cannot be told now, STORE_UNAVAILABLE,
 * OVERLOADED when too many unknown ones are looked up, and DEADLINE_EXCEEDED when `deadline`, an instant of
 * `Clock.monotonicMs()`, passed before it was known.
 */
export interface Authenticator {
  authenticate(credentials: Credentials, deadline: number): Promise<Principal>;
}

const ANYBODY: Principal = {
  tenant: null,
  roles: new Set<Role>(["claim", "read", "operate", "admin"]),
  authenticated: false,
  name: "anonymous",
};

const KNOWN = Promise.resolve(ANYBODY);

/** For a server on which no authentication is configured: every tenant, all roles. */
export const anonymous: Authenticator = { authenticate: () => KNOWN };
