import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from "node:crypto";

/** Somebody who signs tokens with an RSA key: an issuer, or who says that he is one. */
export interface Signer {
  readonly kid: string;
  /** As it is published. */
  readonly jwk: JsonWebKey;
  /** The public key as everybody has it, in the forms that a verifier might take for a secret. */
  readonly publicTexts: readonly string[];
  /** With any header and claims, whether they make sense or not; claims may be given as JSON. */
  token(claims: object | string, header?: object): string;
}

export function createSigner(kid: string = randomUUID()): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
  const der = publicKey.export({ type: "spki", format: "der" }).toString("latin1");
  const own = publicKey.export({ format: "jwk" });
  return {
    kid,
    jwk: { ...own, kid, use: "sig", alg: "RS256" },
    publicTexts: [spki, spki.trimEnd(), der, JSON.stringify(own), String(own.n)],
    token: (claims, header = {}) => signed(claims, { alg: "RS256", kid, ...header }, privateKey),
  };
}

function signed(claims: object | string, header: object, key: KeyObject): string {
  const text = unsigned(claims, header);
  const bits = "alg" in header && String(header.alg).endsWith("512") ? "sha512" : "sha256";
  return `${text}.${sign(bits, Buffer.from(text), key).toString("base64url")}`;
}

/** Signed by who only has a text to sign with. */
export function hmacToken(claims: object, header: { readonly alg: string }, secret: string): string {
  const text = unsigned(claims, header);
  const hmac = createHmac(`sha${header.alg.slice(2)}`, Buffer.from(secret, "latin1"));
  return `${text}.${hmac.update(text).digest("base64url")}`;
}

function unsigned(claims: object | string, header: object): string {
  const body = typeof claims === "string" ? Buffer.from(claims).toString("base64url") : base64url(claims);
  return `${base64url(header)}.${body}`;
}

export function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
