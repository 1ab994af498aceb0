import { createHash } from "node:crypto";
import { type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { Fault } from "../domain/fault.ts";
import { createBoundedMap } from "../tenants/validators/bounded-map.ts";
import type { Principal } from "./authenticator.ts";
import { credentialsInvalid } from "./credentials-invalid.ts";
import { nameOf } from "./jwt/grant.ts";
import { assertSize, readClues, type TokenClues } from "./jwt/token.ts";
import { createFindTrust, type FindTrust, type TrustDeps } from "./jwt/trust.ts";

export interface JwtDeps extends TrustDeps {
  /** Milliseconds since the Unix epoch: the dates in tokens are of the world, not of the process. */
  readonly wallClockMs: () => number;
}

/** Verifies JSON Web Tokens. */
export interface Jwt {
  /**
   * Who calls with this token. Throws `Fault` CREDENTIALS_INVALID for whatever is wrong with it, also when nobody can
   * tell because the issuer's keys were never fetched: a forger could otherwise tell a known issuer from an unknown one.
   * DEADLINE_EXCEEDED, and what asking for registered issuers throws.
   */
  authenticate(token: string, deadline: number): Promise<Principal>;
}

const CLOCK_TOLERANCE_SECONDS = 30;

/** How long a verified token is believed without verifying it again; never beyond its expiry. */
const BELIEVED_MS_MAX = 60_000;
const BELIEVED_TOKENS_MAX = 10_000;

/** A token that was verified. */
interface Believed {
  readonly clues: TokenClues;
  readonly trustText: string;
  readonly principal: Principal;
  readonly expiresMs: number;
  readonly believedUntilMs: number;
}

export function createJwt(deps: JwtDeps): Jwt {
  const { clock, algorithms, wallClockMs } = deps;
  const findTrust = createFindTrust(deps);
  // By digest, so that no token lies about in memory.
  const believed = createBoundedMap<Believed>({ entriesMax: BELIEVED_TOKENS_MAX });

  const authenticate = async (token: string, deadline: number): Promise<Principal> => {
    assertSize(token);
    const digest = createHash("sha256").update(token).digest("base64");
    const known = believed.get(digest);
    if (known !== undefined && clock.monotonicMs() < known.believedUntilMs && wallClockMs() < known.expiresMs) {
      if (await stillTrusted(findTrust, known, deadline)) return known.principal;
    }
    believed.delete(digest);
    const clues = readClues(token);
    // Before anything is looked up or fetched for it.
    const { algorithm, kid, issuer, subject } = clues;
    if (!algorithms.some((allowed) => allowed === algorithm)) throw new Error("the token's algorithm is not allowed");
    const trust = await findTrust(issuer, subject, deadline);
    const keys = await trust.keySets.keysAt(trust.jwksUrl, { issuer, kid }, deadline);
    const expected = { issuer, audience: trust.audience, algorithms: [...algorithms] };
    const claims = await verifiedClaims(token, keys, expected, wallClockMs());
    const principal: Principal = {
      ...trust.grant(claims),
      authenticated: true,
      name: nameOf(issuer, subject),
    };
    const expiresMs = claims.exp * 1000;
    const believedUntilMs = clock.monotonicMs() + BELIEVED_MS_MAX;
    believed.set(digest, { clues, trustText: trust.text, principal, expiresMs, believedUntilMs });
    return principal;
  };

  return {
    async authenticate(token, deadline) {
      try {
        return await authenticate(token, deadline);
      } catch (error) {
        if (error instanceof Fault) throw error;
        throw credentialsInvalid(withoutClaims(error));
      }
    },
  };
}

/** A registration that changed or went takes its tokens along at once. */
async function stillTrusted(findTrust: FindTrust, { clues, trustText }: Believed, deadline: number): Promise<boolean> {
  const trust = await findTrust(clues.issuer, clues.subject, deadline);
  return trust.text === trustText;
}

async function verifiedClaims(
  token: string,
  keys: JWTVerifyGetKey,
  expected: Required<Pick<JWTVerifyOptions, "issuer" | "audience" | "algorithms">>,
  nowMs: number,
): Promise<JWTPayload & { readonly exp: number }> {
  const { payload } = await jwtVerify(token, keys, {
    ...expected,
    requiredClaims: ["exp"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: new Date(nowMs),
  });
  const { exp, iat } = payload;
  // JSON can spell a number that is read as infinite, and such a token would never end.
  if (exp === undefined || !Number.isFinite(exp)) throw new Error("the token does not say when it expires");
  if (iat !== undefined && iat > nowMs / 1000 + CLOCK_TOLERANCE_SECONDS) throw new Error("the token is of the future");
  return { ...payload, exp };
}

/** The library's errors hold the token's claims and pieces of it. */
function withoutClaims(error: unknown): Error {
  return new Error(error instanceof Error ? error.message : "the token could not be verified");
}
