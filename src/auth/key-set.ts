import { createPublicKey } from "node:crypto";

/** The public members of a key that signatures are verified with, screened: nothing in it can stall a verification. */
export interface PublicKey {
  readonly kty: "RSA" | "EC" | "OKP";
  readonly kid?: string;
  readonly alg?: string;
  readonly crv?: string;
  readonly n?: string;
  readonly e?: string;
  readonly x?: string;
  readonly y?: string;
}

export type KeySetReading =
  | { readonly kind: "usable"; readonly keys: readonly PublicKey[] }
  /** The reason says what is wrong, and nothing of what the set holds. */
  | { readonly kind: "unusable"; readonly reason: string };

const KEYS_MAX = 100;
const KID_LENGTH_MAX = 256;
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;
const RSA_EXPONENT_BYTES_MAX = 4;

/** Bytes of one coordinate. */
const COORDINATE_BYTES: Readonly<Record<string, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };
const ED25519_BYTES = 32;

/**
 * Reads a JSON Web Key Set (RFC 7517) and screens it before any key reaches the cryptography. Keys for other uses than
 * signatures, of unknown types and on unknown curves are left out, as the RFC asks. Symmetric, private, weak and huge
 * keys spoil the whole set: whoever publishes one does not know what they publish. Never throws.
 */
export function readKeySet(bytes: Uint8Array): KeySetReading {
  const members = membersOf(bytes);
  if (members === null) return unusable("the answer is not a key set");
  if (members.length > KEYS_MAX) return unusable(`the key set holds more than ${KEYS_MAX} keys`);
  const keys: PublicKey[] = [];
  const kids = new Set<string>();
  for (const member of members) {
    const reading = readKey(member);
    if (typeof reading === "string") return unusable(reading);
    if (reading === null) continue;
    if (reading.kid !== undefined && kids.has(reading.kid)) return unusable("the key set holds two keys of one kid");
    if (reading.kid !== undefined) kids.add(reading.kid);
    keys.push(reading);
  }
  return keys.length === 0 ? unusable("the key set holds no key that verifies signatures") : { kind: "usable", keys };
}

function unusable(reason: string): KeySetReading {
  return { kind: "unusable", reason };
}

function membersOf(bytes: Uint8Array): readonly unknown[] | null {
  try {
    const set: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isObject(set) && Array.isArray(set["keys"]) ? set["keys"] : null;
  } catch {
    return null;
  }
}

type Member = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Member {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const NOT_A_KEY = "the key set holds something that is not a key";
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth"] as const;

/** A key, null for one to leave out, or what is wrong. */
function readKey(member: unknown): PublicKey | string | null {
  if (!isObject(member)) return NOT_A_KEY;
  const { kty, kid, alg } = member;
  if (kty === "oct" || Object.hasOwn(member, "k")) return "the key set holds a symmetric key";
  if (SECRET_MEMBERS.some((name) => Object.hasOwn(member, name))) return "the key set holds a private key";
  if (!verifies(member)) return null;
  if (kid !== undefined && !(typeof kid === "string" && kid.length <= KID_LENGTH_MAX)) return NOT_A_KEY;
  if (alg !== undefined && typeof alg !== "string") return NOT_A_KEY;
  const named = { ...(kid === undefined ? {} : { kid }), ...(alg === undefined ? {} : { alg }) };
  switch (kty) {
    case "RSA":
      return readRsa(member, named);
    case "EC":
      return readEllipticCurve(member, named);
    case "OKP":
      return readEd25519(member, named);
    default:
      return typeof kty === "string" ? null : NOT_A_KEY;
  }
}

function verifies({ use, key_ops: operations }: Member): boolean {
  if (use !== undefined && use !== "sig") return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes("verify"));
}

type Named = Pick<PublicKey, "kid" | "alg">;

function readRsa({ n, e }: Member, named: Named): PublicKey | string {
  // By its length first: what is too long is not decoded.
  if (typeof n !== "string" || n.length > base64urlLength(RSA_BITS_MAX / 8)) return RSA_SIZE;
  const bits = bitsOf(bytesOf(n));
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) return RSA_SIZE;
  if (typeof e !== "string" || e.length > base64urlLength(RSA_EXPONENT_BYTES_MAX)) return RSA_EXPONENT;
  const exponent = bytesOf(e).reduce((value, byte) => value * 256 + byte, 0);
  // With 1 everything is its own signature; an even one is no exponent; a long one takes long.
  if (exponent < 3 || exponent % 2 === 0) return RSA_EXPONENT;
  return { kty: "RSA", ...named, n, e };
}

const RSA_SIZE = `the key set holds an RSA key of less than ${RSA_BITS_MIN} or more than ${RSA_BITS_MAX} bits`;
const RSA_EXPONENT = "the key set holds an RSA key with an unusable exponent";

function readEllipticCurve({ crv, x, y }: Member, named: Named): PublicKey | string | null {
  const bytes = typeof crv === "string" && Object.hasOwn(COORDINATE_BYTES, crv) ? COORDINATE_BYTES[crv] : undefined;
  if (typeof crv !== "string" || bytes === undefined) return typeof crv === "string" ? null : NOT_A_KEY;
  if (!isOfBytes(x, bytes) || !isOfBytes(y, bytes)) return NOT_A_KEY;
  return isOnCurve({ kty: "EC", crv, x, y }) ? { kty: "EC", ...named, crv, x, y } : NOT_A_KEY;
}

function isOnCurve(key: { readonly kty: "EC"; readonly crv: string; readonly x: string; readonly y: string }): boolean {
  try {
    createPublicKey({ key, format: "jwk" });
    return true;
  } catch {
    return false;
  }
}

function readEd25519({ crv, x }: Member, named: Named): PublicKey | string | null {
  if (crv !== "Ed25519") return typeof crv === "string" ? null : NOT_A_KEY;
  return isOfBytes(x, ED25519_BYTES) ? { kty: "OKP", ...named, crv, x } : NOT_A_KEY;
}

function base64urlLength(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}

/** Empty for what is not base64url without padding. */
function bytesOf(text: string): Uint8Array {
  return /^[A-Za-z0-9_-]*$/.test(text) ? Buffer.from(text, "base64url") : new Uint8Array();
}

function isOfBytes(value: unknown, bytes: number): value is string {
  return typeof value === "string" && value.length === base64urlLength(bytes) && bytesOf(value).length === bytes;
}

/** The length of a number, which leading zeros do not add to. */
function bitsOf(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.length - first) * 8 - (Math.clz32(bytes[first] ?? 0) - 24);
}
