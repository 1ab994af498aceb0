import { API_KEY_PREFIX } from "./api-key-secret.ts";
import type { Authenticator, Credentials, Principal } from "./authenticator.ts";
import type { CertificateAuthenticator } from "./certificate.ts";
import { credentialsInvalid } from "./credentials-invalid.ts";

/** The ways to say who calls that are configured; at least one. */
export interface ChainDeps {
  readonly apiKeys?: TokenAuthenticator;
  readonly jwt?: TokenAuthenticator;
  readonly certificates?: CertificateAuthenticator;
}

/** Throws as `Authenticator` does. */
export interface TokenAuthenticator {
  authenticate(token: string, deadline: number): Promise<Principal>;
}

/**
 * A bearer token decides who calls; without an authorization header, the certificate does. A header that is there and
 * wrong is not rescued by a certificate: who sends one means it. Where certificates say who calls, one of a tenant holds
 * the caller to that tenant whatever the token: a key that was carried off opens nothing on another tenant's machine,
 * not even one of every tenant.
 */
export function createAuthenticator({ apiKeys, jwt, certificates }: ChainDeps): Authenticator {
  const byToken = (token: string, deadline: number): Promise<Principal> => {
    const way = token.startsWith(API_KEY_PREFIX) ? apiKeys : jwt;
    if (way === undefined) throw credentialsInvalid(new Error("no such kind of token is accepted here"));
    return way.authenticate(token, deadline);
  };

  const byCertificate = (credentials: Credentials): Principal | null => {
    const certificate = certificates === undefined ? null : credentials.certificate();
    return certificate === null ? null : (certificates?.authenticate(certificate) ?? null);
  };

  return {
    async authenticate(credentials, deadline) {
      const header = credentials.metadata("authorization");
      const certified = byCertificate(credentials);
      if (header === undefined) {
        if (certified === null) throw credentialsInvalid(new Error("no credential"));
        return certified;
      }
      const principal = await byToken(bearerToken(header), deadline);
      if (certified === null || certified.tenant === principal.tenant) return principal;
      throw credentialsInvalid(new Error(`${principal.name} came with the certificate of another tenant`));
    },
  };
}

/** The longest header that servers commonly take. */
const HEADER_LENGTH_MAX = 16 * 1024;
const BEARER = /^bearer +([A-Za-z0-9._~+/=-]+)$/i;

/** RFC 6750. Two headers that were joined with a comma are no token. */
function bearerToken(header: string): string {
  const token = header.length <= HEADER_LENGTH_MAX ? BEARER.exec(header)?.[1] : undefined;
  if (token === undefined) throw credentialsInvalid(new Error("the authorization header is not a bearer token"));
  return token;
}
