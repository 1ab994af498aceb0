import { hash, timingSafeEqual } from "node:crypto";

/**
 * An API key as callers send it: `hf_ID.SECRET`, the id 16 letters and digits, the secret 32 random bytes in base64url.
 * The prefix lets scanners of source code find keys that were committed, and tells a key from a JWT.
 */
export interface ApiKeyText {
  readonly id: string;
  readonly secret: string;
}

export const API_KEY_PREFIX = "hf_";

const ID_LENGTH = 16;
const SECRET_BYTES = 32;
const API_KEY = /^hf_([A-Za-z0-9]{16})\.([A-Za-z0-9_-]{43})$/;
/** Nothing longer is looked at, let alone hashed. */
const LENGTH_MAX = 256;

/** Null for what cannot be a key: that costs nothing, and tells nobody anything but the form of a key. */
export function parseApiKey(text: string): ApiKeyText | null {
  const [, id, secret] = (text.length <= LENGTH_MAX && API_KEY.exec(text)) || [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

export interface NewApiKey {
  readonly id: string;
  /** The whole text that callers send. To be shown once and kept nowhere. */
  readonly text: string;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** @param random so many fresh random bytes, fit for secrets */
export function newApiKey(random: (bytes: number) => Uint8Array): NewApiKey {
  const id = randomId(random);
  const secret = Buffer.from(random(SECRET_BYTES)).toString("base64url");
  const salt = random(SECRET_BYTES);
  return { id, text: `${API_KEY_PREFIX}${id}.${secret}`, salt, hash: hashSecret(salt, secret) };
}

/** Of SHA-256. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

/**
 * HMAC-SHA-256 (RFC 2104) of the secret's text, keyed with the salt of 32 bytes. No slower hash: 256 random bits need
 * none to resist guessing. Made of two hashes at one go, which take 3 µs of each call; createHmac of Node 24 takes 12.
 */
export function hashSecret(salt: Uint8Array, secret: string): Buffer {
  const inner = Buffer.allocUnsafe(BLOCK_BYTES + Buffer.byteLength(secret)).fill(0x36, 0, BLOCK_BYTES);
  const outer = Buffer.allocUnsafe(BLOCK_BYTES + DIGEST_BYTES).fill(0x5c, 0, BLOCK_BYTES);
  for (let i = 0; i < salt.length; i++) {
    const byte = salt[i] ?? 0;
    inner[i] = 0x36 ^ byte;
    outer[i] = 0x5c ^ byte;
  }
  inner.write(secret, BLOCK_BYTES);
  outer.set(hash("sha256", inner, "buffer"), BLOCK_BYTES);
  return hash("sha256", outer, "buffer");
}

export type MatchSecret = (stored: { readonly salt: Uint8Array; readonly hash: Uint8Array }, secret: string) => boolean;

/** Takes as long for a wrong secret as for the right one. */
export const matchSecret: MatchSecret = ({ salt, hash }, secret) => timingSafeEqual(hash, hashSecret(salt, secret));

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Bytes from here on are left out, for they would make the first letters likelier. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length);

/** No "-" or "_": an id must not begin like a flag, and is selected by a double click. */
function randomId(random: (bytes: number) => Uint8Array): string {
  let id = "";
  while (id.length < ID_LENGTH) {
    for (const byte of random(ID_LENGTH)) if (byte < FAIR_BYTES) id += ALPHABET[byte % ALPHABET.length];
  }
  return id.slice(0, ID_LENGTH);
}
