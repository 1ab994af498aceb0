import { createHmac, createPublicKey, type JsonWebKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CREDENTIALS_INVALID_TEXT } from "../../../src/auth/credentials-invalid.ts";
import { ALGORITHMS } from "../../../src/auth/jwt/algorithms.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { CLAIMS, createSigningKey, createStand, ISSUER, JWKS_URL, NOW, sign } from "./jwt-stand.ts";

const rsa = await createSigningKey("RS256", "rsa");
const ec = await createSigningKey("ES256", "ec");
const stranger = await createSigningKey("RS256", "rsa");

type Stand = ReturnType<typeof createStand>;

function standing(...args: Parameters<typeof createStand>): Stand {
  const stand = createStand(...args);
  stand.publisher.publish(JWKS_URL, rsa, ec);
  return stand;
}

/** Every refusal is the same to the caller; the cause is for the log. */
async function refused(stand: Stand, token: string, cause: string | RegExp) {
  const fault = await stand.authenticate(token).then(
    () => expect.unreachable("the token was accepted"),
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(Fault);
  expect(fault).toMatchObject({ code: "CREDENTIALS_INVALID", message: CREDENTIALS_INVALID_TEXT, retryAfterMs: null });
  expect(fault).toMatchObject({ cause: { message: expect.stringMatching(cause) } });
  expect(Object.keys((fault as Fault).cause as object)).toEqual([]);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a good token", () => {
  test("says who calls, for which tenant and in which roles", async () => {
    expect(await standing().authenticate(await sign(rsa))).toEqual({
      tenant: "acme",
      roles: new Set(["claim", "read"]),
      authenticated: true,
      name: `jwt:${ISSUER}#worker-7`,
    });
  });

  test.each(ALGORITHMS)("may be signed with %s, where that is allowed", async (algorithm) => {
    const stand = createStand({}, { algorithms: [algorithm] });
    const key = await createSigningKey(algorithm, "a");
    stand.publisher.publish(JWKS_URL, key);
    expect(await stand.authenticate(await sign(key))).toMatchObject({ tenant: "acme" });
  });

  test.each([
    ["one of several audiences", { aud: ["other", "holdfast"] }, {}],
    ["an expiry within the tolerance", { exp: NOW - 29 }, {}],
    ["a beginning within the tolerance", { nbf: NOW + 30 }, {}],
    ["an issue within the tolerance", { iat: NOW + 30 }, {}],
    ["no issue", { iat: undefined }, {}],
    ["any type", {}, { typ: "something/else" }],
    [
      "keys of its own, which are not looked at",
      {},
      { jku: "https://evil.example", jwk: stranger.publicJwk, x5u: "x" },
    ],
  ])("may have %s", async (_, claims, header) => {
    expect(await standing().authenticate(await sign(rsa, claims, header))).toMatchObject({ tenant: "acme" });
  });

  test("needs no kid where one key fits", async () => {
    const stand = standing();
    expect(await stand.authenticate(await sign(rsa, {}, { kid: undefined }))).toMatchObject({ tenant: "acme" });
  });
});

describe("a token is refused that", () => {
  test.each<[string, object, RegExp]>([
    ["is for another audience", { aud: "other" }, /"aud"/],
    ["is for no audience", { aud: undefined }, /"aud"/],
    ["is for audiences that are none", { aud: { holdfast: true } }, /"aud"/],
    ["is of another issuer", { iss: "https://other.example" }, /nobody trusts/],
    ["is of an issuer that looks similar", { iss: `${ISSUER}/` }, /nobody trusts/],
    ["is of no issuer", { iss: undefined }, /no usable issuer/],
    ["is of several issuers", { iss: [ISSUER] }, /no usable issuer/],
    ["is about nobody", { sub: undefined }, /no usable subject/],
    ["is about the empty subject", { sub: "" }, /no usable subject/],
    ["is about a subject with NUL", { sub: "a\0b" }, /no usable subject/],
    ["is about half a character", { sub: "\ud800" }, /no usable subject/],
    ["is about a subject that is too long", { sub: "s".repeat(1025) }, /no usable subject/],
    ["has expired", { exp: NOW - 30 }, /"exp"/],
    ["never expires", { exp: undefined }, /"exp"/],
    ["expires in words", { exp: "2100-01-01" }, /"exp"/],
    ["expires at null", { exp: null }, /"exp"/],
    ["is not valid yet", { nbf: NOW + 31 }, /"nbf"/],
    ["becomes valid in words", { nbf: "now" }, /"nbf"/],
    ["was issued in the future", { iat: NOW + 31 }, /future/],
    ["was issued in words", { iat: "now" }, /"iat"/],
  ])("%s", async (_, claims, cause) => {
    await refused(standing(), await sign(rsa, claims), cause);
  });

  test.each<[string, object, RegExp]>([
    ["demands an extension", { crit: ["b64"], b64: true }, /demands an extension/],
    ["has a kid that is no text", { kid: 7 }, /kid/],
    ["has a kid that is too long", { kid: "k".repeat(257) }, /kid/],
    ["has an empty kid", { kid: "" }, /kid/],
  ])("%s", async (_, header, cause) => {
    const claims = encode(CLAIMS);
    await refused(standing(), `${encode({ alg: "RS256", ...header })}.${claims}.AAAA`, cause);
  });

  test("expires at infinity", async () => {
    const stand = standing();
    const payload = Buffer.from(JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), "1e999"));
    const { CompactSign } = await import("jose");
    const token = await new CompactSign(payload).setProtectedHeader({ alg: "RS256", kid: "rsa" }).sign(rsa.privateKey);
    await refused(stand, token, /when it expires/);
  });

  test("was signed by somebody else", async () => {
    await refused(standing(), await sign(stranger), /signature/);
    await refused(standing(), await sign(stranger, {}, { jwk: stranger.publicJwk }), /signature/);
  });

  test("was changed after it was signed", async () => {
    const [header = "", , signature = ""] = (await sign(rsa)).split(".");
    await refused(standing(), `${header}.${encode({ ...CLAIMS, tenant: "other" })}.${signature}`, /signature/);
    await refused(
      standing(),
      `${encode({ alg: "RS256", kid: "rsa", typ: "x" })}.${encode(CLAIMS)}.${signature}`,
      /signature/,
    );
  });

  test("is signed with the public key as a secret, in whatever form", async () => {
    const publicKey = createPublicKey({ key: rsa.publicJwk as JsonWebKey, format: "jwk" });
    const pem = publicKey.export({ type: "spki", format: "pem" });
    const secrets = [
      pem,
      pem.toString().trim(),
      publicKey.export({ type: "pkcs1", format: "pem" }),
      publicKey.export({ type: "spki", format: "der" }),
      JSON.stringify(rsa.publicJwk),
      String(rsa.publicJwk["n"]),
      Buffer.from(String(rsa.publicJwk["n"]), "base64url"),
      "",
    ];
    for (const alg of ["HS256", "HS384", "HS512", "RS256"]) {
      for (const secret of secrets) {
        const signed = `${encode({ alg, kid: "rsa" })}.${encode(CLAIMS)}`;
        const hash = alg.replace(/\D+/, "sha");
        const token = `${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`;
        await refused(standing(), token, alg === "RS256" ? /signature/ : /algorithm is not allowed/);
      }
    }
  });

  test("is not signed", async () => {
    const claims = encode(CLAIMS);
    for (const alg of ["none", "None", "NONE", "nOnE"]) {
      await refused(standing(), `${encode({ alg })}.${claims}.`, /not a signed JWT/);
      await refused(standing(), `${encode({ alg })}.${claims}.AAAA`, /algorithm is not allowed/);
    }
    await refused(standing(), `${encode({})}.${claims}.AAAA`, /no algorithm/);
    await refused(standing(), `${encode({ alg: ["RS256"] })}.${claims}.AAAA`, /no algorithm/);
  });

  test("is signed with an algorithm that is not allowed, and nothing is fetched for it", async () => {
    const stand = standing({}, { algorithms: ["ES256"] });
    await refused(stand, await sign(rsa), /algorithm is not allowed/);
    expect(stand.publisher.fetched).toEqual([]);
    expect(await stand.authenticate(await sign(ec))).toMatchObject({ tenant: "acme" });
  });

  test("names the key of another algorithm", async () => {
    await refused(standing(), await sign(rsa, {}, { kid: "ec" }), /no applicable key/);
  });

  test("leaves open which of several keys it means", async () => {
    const stand = createStand();
    stand.publisher.publish(JWKS_URL, rsa, { ...stranger, publicJwk: { ...stranger.publicJwk, kid: "other" } });
    await refused(stand, await sign(rsa, {}, { kid: undefined }), /multiple matching keys/);
  });

  test("is longer than 8 KiB, before it is looked at", async () => {
    await refused(standing(), await sign(rsa, { padding: "x".repeat(6500) }), /too long/);
    await refused(standing(), "x".repeat(50_000_000), /too long/);
    expect(await standing().authenticate(await sign(rsa, { padding: "x".repeat(5000) }))).toMatchObject({});
  });

  test.each([
    "",
    ".",
    "..",
    "a.b",
    "a.b.c",
    "a.b.c.d.e",
    "not a token",
    `${encode({ alg: "RS256" })}.${encode(CLAIMS)}.A A`,
    `${encode({ alg: "RS256" })}.${encode([])}.AAAA`,
    `${encode(null)}.${encode(CLAIMS)}.AAAA`,
    `${encode({ alg: "RS256" })}.${Buffer.from([0xff]).toString("base64url")}.AAAA`,
    `${encode({ alg: "RS256" })}.${Buffer.from("[".repeat(4000)).toString("base64url")}.AAAA`,
    "é.é.é",
  ])("is none: %j", async (token) => {
    await refused(standing(), token, /./);
  });
});

describe("the tenant claim", () => {
  test.each(["a", "0", "acme-1", "a".repeat(63)])("names the tenant %s", async (tenant) => {
    expect(await standing().authenticate(await sign(rsa, { tenant }))).toMatchObject({ tenant });
  });

  test.each([
    ...[
      undefined,
      null,
      "",
      "A",
      "acme ",
      " acme",
      "acme\n",
      "ac\0me",
      "acme/other",
      "*",
      "%",
      "a_b",
      "é",
      "a".repeat(64),
    ],
    ...[7, true, ["acme"], [], { acme: true }, ["acme", "other"]],
  ])("names none as %j", async (tenant) => {
    await refused(standing(), await sign(rsa, { tenant }), /tenant claim/);
  });

  test("may have another name, and then the first name means nothing", async () => {
    const stand = standing({ tenantClaim: "https://acme.example/tenant" });
    expect(await stand.authenticate(await sign(rsa, { "https://acme.example/tenant": "b" }))).toMatchObject({
      tenant: "b",
    });
    await refused(stand, await sign(rsa), /tenant claim/);
  });

  test.each(["constructor", "__proto__", "toString"])(
    "is not found in what every object has: %s",
    async (tenantClaim) => {
      await refused(standing({ tenantClaim }), await sign(rsa), /tenant claim/);
    },
  );
});

describe("the roles claim", () => {
  test.each<[unknown, readonly string[]]>([
    [["claim"], ["claim"]],
    [
      ["claim", "read", "operate"],
      ["claim", "read", "operate"],
    ],
    ["read operate", ["read", "operate"]],
    ["read", ["read"]],
    [["admin"], []],
    ["admin claim", ["claim"]],
    [["CLAIM", "claims", "claim read"], []],
    [["read", 7, null, ["claim"], { claim: true }], ["read"]],
    ["", []],
    [[], []],
    [undefined, []],
    [null, []],
    [{ claim: true }, []],
    [7, []],
  ])("%j gives %j", async (roles, given) => {
    expect(await standing().authenticate(await sign(rsa, { roles }))).toMatchObject({ roles: new Set(given) });
  });

  test("may have another name", async () => {
    const principal = await standing({ rolesClaim: "scope" }).authenticate(await sign(rsa, { scope: "openid read" }));
    expect(principal.roles).toEqual(new Set(["read"]));
  });
});

test.each(["HS256", "none", "RS1", "ML-DSA-44"])("a server cannot be told to allow %s", (algorithm) => {
  expect(() => createStand({}, { algorithms: [algorithm as "RS256"] })).toThrow("not an algorithm that may be allowed");
});

test("a server without audience or name of the issuer does not start", () => {
  expect(() => createStand({ audience: "" })).toThrow("audience");
  expect(() => createStand({ issuer: "" })).toThrow("name");
});

test("a name is one line and has an end", async () => {
  const { name } = await standing().authenticate(await sign(rsa, { sub: `a\u2028b\u202ec${"é".repeat(400)}` }));
  expect(name).toMatch(new RegExp(`^jwt:${ISSUER}#abcé+$`));
  expect(Buffer.byteLength(name)).toBeGreaterThan(598);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(600);
});
