import { decodeJwt, decodeProtectedHeader } from "jose";

/** What a token says of itself. Nothing of it is verified: it only tells whose keys to verify it with. */
export interface TokenClues {
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly issuer: string;
  readonly subject: string;
}

const TOKEN_BYTES_MAX = 8 * 1024;
const ISSUER_BYTES_MAX = 2048;
const SUBJECT_BYTES_MAX = 1024;
const KID_BYTES_MAX = 256;

/** Throws with what is wrong, for the log. */
export function assertSize(token: string): void {
  if (token.length > TOKEN_BYTES_MAX) throw new Error("the token is too long");
}

/** Throws with what is wrong, for the log. Takes a token whose size was asserted. */
export function readClues(token: string): TokenClues {
  // Three parts with something in each: a token without signature goes no further.
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new Error("the token is not a signed JWT");
  const { alg, kid, crit } = decodeProtectedHeader(token);
  const { iss, sub } = decodeJwt(token);
  if (crit !== undefined) throw new Error("the token demands an extension");
  if (kid !== undefined && !isText(kid, KID_BYTES_MAX)) throw new Error("the token's kid is not usable");
  if (!isText(alg, KID_BYTES_MAX)) throw new Error("the token names no algorithm");
  if (!isText(iss, ISSUER_BYTES_MAX)) throw new Error("the token names no usable issuer");
  if (!isText(sub, SUBJECT_BYTES_MAX)) throw new Error("the token names no usable subject");
  return { algorithm: alg, kid, issuer: iss, subject: sub };
}

/**
 * Not empty, and the same text everywhere: a lone surrogate would be replaced on its way to the database, so that two
 * subjects were one there, and control characters do not reach it at all.
 */
function isText(value: unknown, bytesMax: number): value is string {
  if (typeof value !== "string" || value === "" || value.length > bytesMax) return false;
  return Buffer.byteLength(value) <= bytesMax && value.isWellFormed() && !/\p{Cc}/u.test(value);
}
