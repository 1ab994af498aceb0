import { certificateTenant, choices, file, flag, text, url } from "./kinds.ts";
import { option } from "./option.ts";

/** Who may call, and over what. */
export const NETWORK_OPTIONS = {
  auth: option<readonly ("api-key" | "jwt" | "mtls")[] | null>({
    name: "auth",
    kind: choices("api-key", "jwt", "mtls"),
    default: null,
    defaultDoc: "none: everybody who reaches the server may do everything",
    doc: "How callers say who they are; several may be named. Make the first API key with `holdfast admin bootstrap`.",
    commands: ["serve", "config"],
  }),
  tlsCert: option<string | null>({
    name: "tls-cert",
    kind: file,
    default: null,
    defaultDoc: "none: clear text",
    doc: "Certificate chain in PEM, for both ports. A changed file is taken up within seconds, without a restart.",
    commands: ["serve", "config"],
  }),
  tlsKey: option<string | null>({
    name: "tls-key",
    kind: file,
    default: null,
    defaultDoc: "none",
    doc: "The certificate's private key in PEM.",
    commands: ["serve", "config"],
  }),
  tlsClientCa: option<string | null>({
    name: "tls-client-ca",
    kind: file,
    default: null,
    defaultDoc: "none",
    doc: "Authorities in PEM whose client certificates are accepted. With --auth mtls alone every connection must show one, probes of /livez, /readyz and /metrics included; beside other ways a caller may.",
    commands: ["serve", "config"],
  }),
  certificateTenant: option<string | null>({
    name: "certificate-tenant",
    kind: certificateTenant,
    default: null,
    defaultDoc: "none",
    doc: "Which name of a client's certificate holds its tenant, for --auth mtls.",
    commands: ["serve", "config"],
  }),
  certificateRoles: option<readonly ("claim" | "read" | "operate")[]>({
    name: "certificate-roles",
    kind: choices("claim", "read", "operate"),
    default: ["claim", "read"],
    doc: "What callers with a client certificate may do.",
    commands: ["serve", "config"],
  }),
  allowPlaintext: option({
    name: "allow-plaintext",
    kind: flag,
    default: false,
    doc: "Listen beyond loopback without --tls-cert: something in front of the server ends TLS. Credentials cross that link unencrypted.",
    commands: ["serve", "config"],
  }),
  jwtIssuer: option<string | null>({
    name: "jwt-issuer",
    kind: text,
    default: null,
    defaultDoc: "none: issuers that tenants have registered only",
    doc: "The iss of tokens that name their tenant in a claim.",
    commands: ["serve", "config"],
  }),
  jwtAudience: option<string | null>({
    name: "jwt-audience",
    kind: text,
    default: null,
    defaultDoc: "none",
    doc: "What the aud of these tokens must hold.",
    commands: ["serve", "config"],
  }),
  jwtJwksUrl: option<string | null>({
    name: "jwt-jwks-url",
    kind: url,
    default: null,
    defaultDoc: "none",
    doc: "Where the keys of --jwt-issuer are. May be a private address, and http on loopback.",
    commands: ["serve", "config"],
  }),
  jwtAlgorithms: option<
    readonly ("RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" | "ES256" | "ES384" | "ES512" | "EdDSA")[]
  >({
    name: "jwt-algorithms",
    kind: choices("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
    default: ["RS256", "PS256", "ES256", "ES384", "EdDSA"],
    doc: "Signatures that are accepted, of any issuer.",
    commands: ["serve", "config"],
  }),
  jwtTenantClaim: option({
    name: "jwt-tenant-claim",
    kind: text,
    default: "tenant",
    doc: "The claim in which tokens of --jwt-issuer name their tenant.",
    commands: ["serve", "config"],
  }),
  jwtRolesClaim: option({
    name: "jwt-roles-claim",
    kind: text,
    default: "roles",
    doc: "The claim with their roles, a list or words with spaces between: claim, read, operate.",
    commands: ["serve", "config"],
  }),
} as const;
