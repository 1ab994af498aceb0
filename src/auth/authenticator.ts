/** What a credential allows: to use records, to read them, to administer. */
export type Role = "claim" | "read" | "admin";

/** Who calls. */
export interface Principal {
  /** The one tenant it may name; null: every tenant. */
  readonly tenant: string | null;
  readonly roles: ReadonlySet<Role>;
  /** False when the server runs without authentication: then an unknown tenant is said to be unknown. */
  readonly authenticated: boolean;
}

/** ASCII metadata of a call by lower-case name. */
export type Metadata = (name: string) => string | undefined;

/** Throws `Fault` CREDENTIALS_INVALID, with one text for every cause. */
export interface Authenticator {
  authenticate(metadata: Metadata, deadline: number): Promise<Principal>;
}

const ANYBODY: Principal = {
  tenant: null,
  roles: new Set<Role>(["claim", "read", "admin"]),
  authenticated: false,
};

/** For a server on which no authentication is configured: every tenant, all roles. */
export const anonymous: Authenticator = {
  async authenticate() {
    return ANYBODY;
  },
};
