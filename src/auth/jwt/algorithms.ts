/**
 * What tokens may be signed with. Asymmetric ones only: whoever can verify an HMAC can also forge it, with a key that
 * everybody may fetch. Ed25519 is the newer name of what EdDSA means here (RFC 9864); issuers write either.
 */
export const ALGORITHMS = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const),
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export const ALGORITHMS_DEFAULT: readonly Algorithm[] = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"];
