import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { ALGORITHMS_DEFAULT } from "../../../src/auth/jwt/algorithms.ts";
import type { ConfiguredIssuer, TrustedTenant } from "../../../src/auth/jwt/trust.ts";
import { createJwt, type JwtDeps } from "../../../src/auth/jwt.ts";
import type { Fetched } from "../../../src/tenants/validators/request.ts";
import { createManualClock } from "../store/manual-clock.ts";

export const NEVER = Number.POSITIVE_INFINITY;
export const ISSUER = "https://issuer.example";
export const JWKS_URL = "https://issuer.example/keys";
export const AUDIENCE = "holdfast";

/** When every test begins, by the wall clock: seconds since the epoch. */
export const NOW = 1_900_000_000;

export interface SigningKey {
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

export async function createSigningKey(algorithm: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { algorithm, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid } };
}

/** What a good token of the configured issuer says. */
export const CLAIMS = {
  iss: ISSUER,
  sub: "worker-7",
  aud: AUDIENCE,
  iat: NOW,
  exp: NOW + 600,
  tenant: "acme",
  roles: ["claim", "read"],
} as const satisfies JWTPayload;

/** A good token, but for what is given. A claim that is undefined is left out. */
export function sign(key: SigningKey, claims: object = {}, header: object = {}): Promise<string> {
  const protectedHeader = { alg: key.algorithm, kid: String(key.publicJwk["kid"]), ...header };
  return new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader(protectedHeader).sign(key.privateKey);
}

/** Issuers that publish what they are told to, each fetch counted. */
export function createPublisher() {
  const answers = new Map<string, () => Promise<Fetched>>();
  const fetched: string[] = [];
  return {
    fetched,
    publish(url: string, ...keys: readonly SigningKey[]) {
      const body = Buffer.from(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }));
      answers.set(url, async () => ({ kind: "ok", status: 200, body }));
    },
    answer(url: string, answer: () => Promise<Fetched>) {
      answers.set(url, answer);
    },
    async fetch(url: string): Promise<Fetched> {
      fetched.push(url);
      return (await answers.get(url)?.()) ?? { kind: "refused", reason: "the address answered 404" };
    },
  };
}

/** An authenticator whose wall clock goes with its manual clock. */
export function createStand(configured: Partial<ConfiguredIssuer> | null = {}, deps: Partial<JwtDeps> = {}) {
  const clock = createManualClock();
  const originMs = clock.monotonicMs();
  const publisher = createPublisher();
  const registrations = new Map<string, TrustedTenant>();
  /** What the observer was told of each fetch, newest last. */
  const outcomes: Parameters<JwtDeps["observer"]["fetched"]>[] = [];
  const base = { issuer: ISSUER, audience: AUDIENCE, jwksUrl: JWKS_URL, fetch: publisher.fetch };
  const jwt = createJwt({
    clock,
    algorithms: ALGORITHMS_DEFAULT,
    observer: { fetched: (...told) => void outcomes.push(told) },
    wallClockMs: () => NOW * 1000 + clock.monotonicMs() - originMs,
    configured: configured === null ? null : { ...base, ...configured },
    registered: {
      fetch: publisher.fetch,
      trusted: async (issuer, subject) =>
        registrations.get(`${issuer} ${subject}`) ?? registrations.get(`${issuer} `) ?? null,
    },
    ...deps,
  });
  return {
    clock,
    publisher,
    outcomes,
    /** Of an issuer and subject; an empty subject is any other. */
    register: (issuer: string, subject: string, tenant: TrustedTenant) =>
      registrations.set(`${issuer} ${subject}`, tenant),
    unregister: (issuer: string, subject: string) => registrations.delete(`${issuer} ${subject}`),
    authenticate: (token: string, deadline = NEVER) => jwt.authenticate(token, deadline),
  };
}
