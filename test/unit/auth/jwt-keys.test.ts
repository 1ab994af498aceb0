import { describe, expect, onTestFinished, test } from "vitest";
import type { KeySetFetch } from "../../../src/auth/jwt/key-sets.ts";
import { createGuardedFetch } from "../../../src/tenants/validators/guarded-fetch.ts";
import type { Fetched } from "../../../src/tenants/validators/request.ts";
import { createAuthority } from "../../support/certificates.ts";
import { startHttpsServer } from "../../support/https-server.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";
import { createSigningKey, createStand, ISSUER, JWKS_URL, NOW, sign } from "./jwt-stand.ts";

const first = await createSigningKey("ES256", "first");
const second = await createSigningKey("ES256", "second");
const strangers = await createSigningKey("ES256", "strangers");

const MINUTE_MS = 60_000;
const INVALID = { code: "CREDENTIALS_INVALID" };
const DOWN: Fetched = { kind: "uncertain", reason: "the address answered 503" };

const keysOf = (...keys: readonly (typeof first)[]) =>
  Buffer.from(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }));

let tokens = 0;

/** A token that was never seen before and does not expire within a test. */
function fresh(key = first, header: object = {}): Promise<string> {
  tokens++;
  return sign(key, { exp: NOW + 24 * 3600, jti: tokens }, header);
}

async function standing() {
  const stand = createStand();
  stand.publisher.publish(JWKS_URL, first);
  await stand.authenticate(await fresh());
  expect(stand.publisher.fetched).toHaveLength(1);
  return stand;
}

describe("the keys of an issuer", () => {
  test("are fetched once by however many calls at once", async () => {
    const stand = createStand();
    stand.publisher.publish(JWKS_URL, first);
    const principals = await Promise.all([...Array(50)].map(async () => stand.authenticate(await fresh())));
    expect(principals).toHaveLength(50);
    expect(stand.publisher.fetched).toEqual([JWKS_URL]);
  });

  test("are believed for 10 minutes and fetched again then", async () => {
    const stand = await standing();
    stand.publisher.publish(JWKS_URL, second);
    await stand.clock.advance(10 * MINUTE_MS - 1);
    await stand.authenticate(await fresh());
    expect(stand.publisher.fetched).toHaveLength(1);
    await stand.clock.advance(1);
    await expect(stand.authenticate(await fresh())).rejects.toMatchObject(INVALID);
    expect(stand.publisher.fetched).toHaveLength(2);
    await stand.authenticate(await fresh(second));
    expect(stand.publisher.fetched).toHaveLength(2);
  });

  test("are fetched again for a kid that is new, so that an issuer may change its keys", async () => {
    const stand = await standing();
    stand.publisher.publish(JWKS_URL, first, second);
    await stand.clock.advance(30_000);
    expect(await stand.authenticate(await fresh(second))).toMatchObject({ tenant: "acme" });
    expect(stand.publisher.fetched).toHaveLength(2);
  });

  test("are fetched once in 30 s for however many kids that nobody knows", async () => {
    const stand = await standing();
    const unknown = async (n: number) => stand.authenticate(await fresh(strangers, { kid: `unknown-${n}` }));
    const signature = (await fresh(strangers)).split(".")[2];
    const flood = async () => {
      const [, claims] = (await fresh(strangers)).split(".");
      for (let n = 0; n < 10_000; n++) {
        const header = Buffer.from(JSON.stringify({ alg: "ES256", kid: `guess-${n}` })).toString("base64url");
        await expect(stand.authenticate(`${header}.${claims}.${signature}`)).rejects.toMatchObject(INVALID);
      }
    };
    await flood();
    expect(stand.publisher.fetched).toHaveLength(1);
    await stand.clock.advance(30_000);
    await Promise.all([...Array(20).keys()].map((n) => expect(unknown(n)).rejects.toMatchObject(INVALID)));
    await flood();
    expect(stand.publisher.fetched).toHaveLength(2);
    expect(await stand.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
  });

  test("serve those whose kid is known while others wait for a fetch", async () => {
    const stand = await standing();
    const hanging = Promise.withResolvers<Fetched>();
    stand.publisher.answer(JWKS_URL, () => hanging.promise);
    await stand.clock.advance(30_000);
    const waiting = stand.authenticate(await fresh(strangers));
    await settled();
    expect(stand.publisher.fetched).toHaveLength(2);
    expect(await stand.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
    hanging.resolve(DOWN);
    await expect(waiting).rejects.toMatchObject(INVALID);
  });
});

describe("while the keys cannot be fetched", () => {
  test.each<[string, () => Promise<Fetched>]>([
    ["the issuer is down", async () => DOWN],
    ["the issuer has none any more", async () => ({ kind: "refused", reason: "the address answered 404" })],
    ["the key set is not usable", async () => ({ kind: "ok", status: 200, body: Buffer.from('{"keys":[]}') })],
    ["fetching throws", () => Promise.reject(new Error("bug: thrown"))],
  ])("because %s, the old ones serve for an hour", async (_, answer) => {
    const stand = await standing();
    stand.publisher.answer(JWKS_URL, answer);
    await stand.clock.advance(10 * MINUTE_MS);
    expect(await stand.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
    expect(stand.publisher.fetched).toHaveLength(2);
    await stand.clock.advance(50 * MINUTE_MS - 1);
    expect(await stand.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
    await stand.clock.advance(1);
    await expect(stand.authenticate(await fresh())).rejects.toMatchObject(INVALID);
    stand.publisher.publish(JWKS_URL, first);
    await stand.clock.advance(30_000);
    expect(await stand.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
  });

  test("nobody whose key is here waits for the next attempt", async () => {
    const stand = await standing();
    stand.publisher.answer(JWKS_URL, async () => DOWN);
    await stand.clock.advance(10 * MINUTE_MS);
    await stand.authenticate(await fresh());
    const hanging = Promise.withResolvers<Fetched>();
    stand.publisher.answer(JWKS_URL, () => hanging.promise);
    await stand.clock.advance(30_000);
    expect(await stand.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
    expect(stand.publisher.fetched).toHaveLength(3);
    hanging.resolve(DOWN);
  });

  test("and none were ever, every token is refused, one attempt in 30 s", async () => {
    const stand = createStand();
    stand.publisher.answer(JWKS_URL, async () => DOWN);
    for (let n = 0; n < 10; n++) await expect(stand.authenticate(await fresh())).rejects.toMatchObject(INVALID);
    expect(stand.publisher.fetched).toHaveLength(1);
    stand.publisher.publish(JWKS_URL, first);
    await stand.clock.advance(30_000);
    expect(await stand.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
  });

  test("a caller leaves at its deadline", async () => {
    const stand = createStand();
    const hanging = Promise.withResolvers<Fetched>();
    stand.publisher.answer(JWKS_URL, () => hanging.promise);
    const left = stand.authenticate(await fresh(), stand.clock.monotonicMs() + 500);
    const refused = expect(left).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await stand.clock.advance(500);
    await refused;
    expect(stand.clock.sleepers).toBe(0);
    hanging.resolve(DOWN);
  });
});

describe("the observer is told of each fetch, with the issuer whose token it was for:", () => {
  const told = [
    ["keys that were published", { kind: "ok", status: 200, body: keysOf(first) }, { kind: "fetched" }],
    [
      "a set that is not usable",
      { kind: "ok", status: 200, body: Buffer.from('{"keys":[]}') },
      { kind: "refused", reason: "the key set holds no key that verifies signatures" },
    ],
    [
      "an address that has none",
      { kind: "refused", reason: "the address answered 404" },
      { kind: "refused", reason: "the address answered 404" },
    ],
    ["an address that is down", DOWN, { kind: "failed", reason: "the address answered 503" }],
  ] as const satisfies readonly (readonly [string, Fetched, KeySetFetch])[];

  test.each(told)("%s", async (_, answer, fetched) => {
    const stand = createStand();
    stand.publisher.answer(JWKS_URL, async () => answer);
    const calls = [1, 2, 3].map(async () => stand.authenticate(await fresh()));
    await Promise.allSettled(calls);
    expect(stand.outcomes).toEqual([["configured", ISSUER, fetched]]);
  });

  test("a fetch that threw, with what it threw", async () => {
    const stand = createStand();
    const bug = new Error("bug: thrown");
    stand.publisher.answer(JWKS_URL, () => Promise.reject(bug));
    await expect(stand.authenticate(await fresh())).rejects.toMatchObject(INVALID);
    expect(stand.outcomes).toEqual([["configured", ISSUER, { kind: "failed", reason: "the fetch threw", error: bug }]]);
  });

  test("keys of a registered issuer", async () => {
    const stand = createStand();
    const [iss, jwksUrl] = ["https://acme.example", "https://acme.example/keys"];
    stand.register(iss, "", { tenant: "acme", audience: "holdfast", jwksUrl });
    stand.publisher.answer(jwksUrl, async () => DOWN);
    await expect(stand.authenticate(await sign(first, { iss }))).rejects.toMatchObject(INVALID);
    expect(stand.outcomes).toEqual([["registered", iss, { kind: "failed", reason: "the address answered 503" }]]);
  });

  test("one that fails while the old keys still serve", async () => {
    const stand = await standing();
    stand.publisher.answer(JWKS_URL, async () => DOWN);
    await stand.clock.advance(10 * MINUTE_MS);
    await stand.authenticate(await fresh());
    await settled();
    expect(stand.outcomes.map(([, , { kind }]) => kind)).toEqual(["fetched", "failed"]);
  });
});

describe("a token that was verified", () => {
  test("is not verified again for a minute", async () => {
    const stand = await standing();
    const token = await fresh();
    const principal = await stand.authenticate(token);
    await stand.clock.advance(MINUTE_MS - 1);
    expect(await stand.authenticate(token)).toBe(principal);
    await stand.clock.advance(1);
    const again = await stand.authenticate(token);
    expect(again).not.toBe(principal);
    expect(again).toEqual(principal);
  });

  test("is not believed beyond its end", async () => {
    const stand = await standing();
    const token = await sign(first, { exp: NOW + 10 });
    const principal = await stand.authenticate(token);
    await stand.clock.advance(9999);
    expect(await stand.authenticate(token)).toBe(principal);
    await stand.clock.advance(1);
    expect(await stand.authenticate(token)).not.toBe(principal);
    await stand.clock.advance(29_999);
    expect(await stand.authenticate(token)).toEqual(principal);
    await stand.clock.advance(1);
    await expect(stand.authenticate(token)).rejects.toMatchObject(INVALID);
  });

  test("makes no other token of the same claims believed", async () => {
    const stand = await standing();
    const token = await fresh();
    await stand.authenticate(token);
    const [header, claims] = token.split(".");
    const [, , signature] = (await fresh()).split(".");
    await expect(stand.authenticate(`${header}.${claims}.${signature}`)).rejects.toMatchObject(INVALID);
  });
});

test("keys come over TLS from an address that was checked", async () => {
  const authority = createAuthority();
  const server = await startHttpsServer(authority.issue({ names: ["DNS:issuer.example"] }), (_, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ keys: [first.publicJwk] }));
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const reach = { clock: createManualClock(), ports: [server.port], ca: authority.caPem };
  const resolve = async () => ["127.0.0.1"];
  const jwksUrl = `https://issuer.example:${server.port}/keys`;
  const allowed = createStand({ jwksUrl, fetch: createGuardedFetch({ ...reach, resolve, allowLoopback: true }) });
  expect(await allowed.authenticate(await fresh())).toMatchObject({ tenant: "acme" });
  const strict = createStand({ jwksUrl, fetch: createGuardedFetch({ ...reach, resolve, allowLoopback: false }) });
  await expect(strict.authenticate(await fresh())).rejects.toMatchObject(INVALID);
  expect(server.requests).toHaveLength(1);
});
