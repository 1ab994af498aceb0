import type { ClientCertificate, Principal, Role } from "./authenticator.ts";
import { credentialsInvalid } from "./credentials-invalid.ts";

/** Tells from a client's certificate, which the transport has verified, who calls. */
export interface CertificateAuthenticator {
  /**
   * Null when no name of the certificate is a tenant's.
   * Throws `Fault` CREDENTIALS_INVALID when its names are of two tenants.
   */
  authenticate(certificate: ClientCertificate): Principal | null;
}

export interface CertificateDeps {
  /**
   * A subject alternative name with {tenant} in it once: "DNS:{tenant}.clients.example.org",
   * "URI:spiffe://example.org/tenant/{tenant}". All around {tenant} is compared literally, a DNS name in lower case.
   */
  readonly pattern: string;
  readonly roles: readonly Role[];
}

const PLACE = "{tenant}";
const TENANT = /^[a-z0-9-]{1,63}$/;

export function createCertificateAuthenticator({ pattern, roles }: CertificateDeps): CertificateAuthenticator {
  const [prefix, suffix, ...others] = foldCase(pattern).split(PLACE);
  if (prefix === undefined || suffix === undefined || others.length > 0) throw new Error(`bug: no pattern: ${pattern}`);
  const granted = new Set(roles);
  /** A connection's certificate is read once, and not kept when the connection is gone. */
  const read = new WeakMap<ClientCertificate, readonly Principal[]>();

  const tenantOf = (name: string): string | null => {
    if (name.length < prefix.length + suffix.length || !name.startsWith(prefix) || !name.endsWith(suffix)) return null;
    const tenant = name.slice(prefix.length, name.length - suffix.length);
    return TENANT.test(tenant) ? tenant : null;
  };

  const readNames = ({ names }: ClientCertificate): readonly Principal[] => {
    const principals = new Map<string, Principal>();
    for (const name of names.map(foldCase)) {
      const tenant = tenantOf(name);
      if (tenant === null || principals.has(tenant)) continue;
      principals.set(tenant, { tenant, roles: granted, authenticated: true, name: `certificate:${name}` });
    }
    return [...principals.values()];
  };

  return {
    authenticate(certificate) {
      const principals = read.get(certificate) ?? readNames(certificate);
      read.set(certificate, principals);
      const [principal, second] = principals;
      if (second !== undefined) throw credentialsInvalid(new Error("the certificate has names of several tenants"));
      return principal ?? null;
    },
  };
}

const DNS = /^DNS:/i;

/** DNS names are the same in upper and lower case, URIs are not. */
function foldCase(name: string): string {
  return DNS.test(name) ? `DNS:${name.slice("DNS:".length).toLowerCase()}` : name;
}
