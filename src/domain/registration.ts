import type { Policy } from "./record.ts";
import type { TenantHealth, TenantLimits } from "./tenant.ts";

/** What is declared of a tenant. */
export interface TenantRegistration {
  /** 1 to 63 of a-z, 0-9 and "-". */
  readonly id: string;
  readonly displayName: string;
  /** Each belongs to one tenant at most. */
  readonly hosts: readonly HostPath[];
  /** Each issuer and subject belongs to one tenant at most. */
  readonly issuers: readonly TrustedIssuer[];
  readonly agentUrl: string;
  readonly validator: Validator;
  /** Built when a server starts, not with its first call. */
  readonly eager: boolean;
  readonly limits: TenantLimits;
  /** Of records whose first claim leaves it open. */
  readonly policy: Policy;
  /** Name of the configured cluster that holds its records. */
  readonly placement: string;
  /** The healths in which it acquires. */
  readonly serveStates: readonly TenantHealth[];
  readonly encrypted: boolean;
}

export interface HostPath {
  /** Normalised. */
  readonly host: string;
  /** "/a/b", without a slash at its end; empty: every path. The longest prefix on a boundary wins. */
  readonly path: string;
}

export interface TrustedIssuer {
  readonly issuer: string;
  /** Empty: every subject that is not named elsewhere. */
  readonly subject: string;
  /** What its tokens must be made out to. */
  readonly audience: string;
  /** Empty: its tokens let nobody in. */
  readonly jwksUrl: string;
}

/** Who is asked whether the tenant is who it says it is. */
export type Validator =
  | { readonly kind: "none" }
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "jwks"; readonly url: string };

/** What a validator said. The reason is redacted: no address, credential or driver text. */
export type Verdict =
  | { readonly kind: "accepted" }
  /** A permanent no. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It could not be told: it may be otherwise the next time. */
  | { readonly kind: "uncertain"; readonly reason: string };
