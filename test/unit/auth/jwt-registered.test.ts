import { describe, expect, test } from "vitest";
import type { TrustedTenant } from "../../../src/auth/jwt/trust.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { createSigningKey, createStand, ISSUER, JWKS_URL, sign } from "./jwt-stand.ts";

const own = await createSigningKey("RS256", "a");
const acmes = await createSigningKey("ES256", "a");
const others = await createSigningKey("ES256", "a");

const INVALID = { code: "CREDENTIALS_INVALID" };
const ACMES_URL = "https://acme.example/keys";
const OTHERS_URL = "https://other.example/keys";
const ACMES_ISSUER = "https://acme.example";
const ACME: TrustedTenant = { tenant: "acme", audience: "holdfast-acme", jwksUrl: ACMES_URL };
const OTHER: TrustedTenant = { tenant: "other", audience: "holdfast-other", jwksUrl: OTHERS_URL };

function standing(...args: Parameters<typeof createStand>) {
  const stand = createStand(...args);
  stand.publisher.publish(JWKS_URL, own);
  stand.publisher.publish(ACMES_URL, acmes);
  stand.publisher.publish(OTHERS_URL, others);
  stand.register(ACMES_ISSUER, "", ACME);
  return stand;
}

const acmesToken = (claims: object = {}, key = acmes) =>
  sign(key, { iss: ACMES_ISSUER, aud: "holdfast-acme", tenant: undefined, roles: undefined, ...claims });

describe("a token of an issuer that a tenant registered", () => {
  test("is for that tenant, to claim and to read", async () => {
    expect(await standing().authenticate(await acmesToken())).toEqual({
      tenant: "acme",
      roles: new Set(["claim", "read"]),
      authenticated: true,
      name: `jwt:${ACMES_ISSUER}#worker-7`,
    });
  });

  test("is so whatever it says of tenants and roles", async () => {
    const token = await acmesToken({ tenant: "other", roles: ["admin", "operate"] });
    expect(await standing().authenticate(token)).toMatchObject({ tenant: "acme", roles: new Set(["claim", "read"]) });
  });

  test("is so on a server with no issuer of its own", async () => {
    expect(await standing(null).authenticate(await acmesToken())).toMatchObject({ tenant: "acme" });
  });

  test.each<[string, object, typeof own]>([
    ["another audience", { aud: "holdfast-other" }, acmes],
    ["the server's own audience", { aud: "holdfast" }, acmes],
    ["another's signature", {}, others],
    ["the signature of the server's own issuer", {}, own],
    ["an issuer that nobody registered", { iss: OTHERS_URL }, acmes],
    ["the server's own issuer, by the tenant's keys", { iss: ISSUER, aud: "holdfast", tenant: "acme" }, acmes],
  ])("is refused with %s", async (_, claims, key) => {
    await expect(standing().authenticate(await acmesToken(claims, key))).rejects.toMatchObject(INVALID);
  });

  test.each([
    ["no keys", { ...ACME, jwksUrl: "" }],
    ["no audience", { ...ACME, audience: "" }],
  ])("is refused when it was registered with %s, and nothing is fetched", async (_, registration) => {
    const stand = standing();
    stand.register(ACMES_ISSUER, "", registration);
    const token = await acmesToken({ aud: registration.audience });
    await expect(stand.authenticate(token)).rejects.toMatchObject(INVALID);
    expect(stand.publisher.fetched).toEqual([]);
  });

  test("is refused with an algorithm that the server was told not to allow, and nothing is asked for it", async () => {
    const asked: string[] = [];
    const { publisher } = createStand();
    const strict = standing(null, {
      algorithms: ["RS256", "EdDSA"],
      registered: {
        fetch: publisher.fetch,
        trusted: async (issuer) => {
          asked.push(issuer);
          return ACME;
        },
      },
    });
    await expect(strict.authenticate(await acmesToken())).rejects.toMatchObject({
      ...INVALID,
      cause: { message: "the token's algorithm is not allowed" },
    });
    expect([asked, publisher.fetched]).toEqual([[], []]);
    const allowed = standing(null, { algorithms: ["RS256", "ES256"] });
    expect(await allowed.authenticate(await acmesToken())).toMatchObject({ tenant: "acme" });
  });

  test("is for the tenant of its subject, by that tenant's keys and for its audience", async () => {
    const stand = standing();
    stand.register(ACMES_ISSUER, "robot", OTHER);
    const robots = { sub: "robot", aud: "holdfast-other" };
    expect(await stand.authenticate(await acmesToken(robots, others))).toMatchObject({ tenant: "other" });
    await expect(stand.authenticate(await acmesToken(robots, acmes))).rejects.toMatchObject(INVALID);
    await expect(stand.authenticate(await acmesToken({ sub: "robot" }, others))).rejects.toMatchObject(INVALID);
    expect(await stand.authenticate(await acmesToken())).toMatchObject({ tenant: "acme" });
    await expect(stand.authenticate(await acmesToken({}, others))).rejects.toMatchObject(INVALID);
  });

  test("lets nobody in from the moment on that the registration goes or changes", async () => {
    const stand = standing();
    const token = await acmesToken();
    const principal = await stand.authenticate(token);
    expect(await stand.authenticate(token)).toBe(principal);
    stand.register(ACMES_ISSUER, "", { ...ACME, audience: "holdfast-new" });
    await expect(stand.authenticate(token)).rejects.toMatchObject(INVALID);
    stand.register(ACMES_ISSUER, "", { ...ACME, tenant: "renamed" });
    expect(await stand.authenticate(token)).toMatchObject({ tenant: "renamed" });
    stand.unregister(ACMES_ISSUER, "");
    await expect(stand.authenticate(token)).rejects.toMatchObject(INVALID);
  });

  test("cannot take over the server's own issuer by registering it", async () => {
    const stand = standing();
    stand.register(ISSUER, "", ACME);
    expect(await stand.authenticate(await sign(own, { tenant: "other" }))).toMatchObject({ tenant: "other" });
    const forged = await sign(acmes, { aud: "holdfast-acme" });
    await expect(stand.authenticate(forged)).rejects.toMatchObject(INVALID);
  });
});

describe("when it cannot be told who registered an issuer", () => {
  const asking = (error: unknown) => {
    const stand = createStand();
    return createStand(null, { registered: { fetch: stand.publisher.fetch, trusted: () => Promise.reject(error) } });
  };

  test("that is what the caller is told", async () => {
    const unavailable = new Fault("STORE_UNAVAILABLE", "the registrations cannot be read");
    await expect(asking(unavailable).authenticate(await acmesToken())).rejects.toBe(unavailable);
  });

  test("a bug is not taken for bad credentials", async () => {
    const bug = new Error("bug: unheard of");
    await expect(asking(bug).authenticate(await acmesToken())).rejects.toMatchObject({ code: "INTERNAL", cause: bug });
  });
});

test("a server that trusts nobody lets nobody in", async () => {
  const stand = createStand(null, { registered: null });
  await expect(stand.authenticate(await acmesToken())).rejects.toMatchObject(INVALID);
});
