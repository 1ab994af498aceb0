import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { type HttpServer, startHttpServer } from "../http-server.ts";
import { base64url, createSigner, hmacToken, type Signer } from "../tokens.ts";
import {
  as,
  CREDENTIALS_INVALID,
  newTenantId,
  ROLE_REQUIRED,
  refusesAs,
  said,
  TENANT_FORBIDDEN,
  unknownTenantId,
  useAccessStand,
} from "./access-stand.ts";
import { row } from "./rows.ts";
import { CANARY, call, generic, leaseOf, livesOn } from "./stand.ts";
import { DISTINCT_WIRES, encode } from "./wires.ts";

const { method } = IdempotencyService;
const { createApiKey, getTenant } = AdminService.method;
const ISSUER = "https://issuer.example";
const AUDIENCE = "holdfast";
const JWKS = "/jwks";

const signer = createSigner();
const stranger = createSigner(signer.kid);
let issuer: HttpServer;

beforeAll(async () => {
  const keys = JSON.stringify({ keys: [signer.jwk] });
  issuer = await startHttpServer(new Map([[JWKS, (_, response) => void response.end(keys)]]));
});

afterAll(() => issuer?.[Symbol.asyncDispose]());

const { stand, access } = useAccessStand(() => {
  const jwt = ["--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE, "--jwt-jwks-url", issuer.url(JWKS)];
  return [...jwt, "--validator-loopback", "--validator-port", String(issuer.port)];
});

const nowSeconds = () => Math.floor(Date.now() / 1000);

/** What a good token says; undefined takes a claim away. */
function claimsOf(change: Readonly<Record<string, unknown>> = {}): object {
  const now = nowSeconds();
  const good = { iss: ISSUER, aud: AUDIENCE, sub: CANARY, iat: now, exp: now + 600, tenant: "default" };
  return { ...good, roles: ["claim", "read"], ...change };
}

const claimOf = () => ({ key: newKey(), claimId: newClaimId() });

describe.each(DISTINCT_WIRES)("%s", (name) => {
  const enters = async (token: string) =>
    leaseOf(await call(as(stand.wires[name], token), method.claim, claimOf())).attempt;
  const refuses = (token: string) => refusesAs(stand, name, token, method.claim, claimOf(), CREDENTIALS_INVALID);

  test("a token that says all that it must lets its tenant in", async () => {
    expect(await enters(signer.token(claimsOf()))).toBe(1);
    expect(await enters(signer.token(claimsOf({ aud: ["another", AUDIENCE], roles: "read claim other" })))).toBe(1);
  });

  test(row(25), async () => {
    for (const alg of ["HS256", "HS384", "HS512"]) {
      for (const secret of signer.publicTexts) {
        await refuses(hmacToken(claimsOf(), { alg }, secret));
        await refuses(hmacToken(claimsOf(), { alg, ...{ kid: signer.kid } }, secret));
      }
    }
  });

  test.each<[string, object, Signer]>([
    ["a key of the token's own in its header", { jwk: stranger.jwk }, stranger],
    ["an address of keys in its header", { jku: "https://keys.example/jwks" }, stranger],
    ["a certificate of its own", { x5c: [CANARY] }, stranger],
    ["another's signature", {}, stranger],
    ["another's signature and no kid", { kid: undefined }, stranger],
    ["another algorithm", { alg: "RS512" }, signer],
    ["an extension that nobody knows", { crit: [CANARY], [CANARY]: 1 }, signer],
    ["a kid that is a path", { kid: `../../${CANARY}` }, stranger],
    ["a kid of 1 KiB", { kid: CANARY.repeat(171) }, signer],
    ["a kid that is a number", { kid: 7 }, signer],
  ])(`${row(25)}, or otherwise forged: %s`, async (_, header, by) => {
    await refuses(by.token(claimsOf(), header));
  });

  test(`${row(25)}, or not signed at all`, async () => {
    const [head = "", body = "", signature = ""] = signer.token(claimsOf()).split(".");
    const admin = base64url(claimsOf({ tenant: "default", roles: ["admin"] }));
    const forms = [
      ...["none", "None", "nOnE", ""].map((alg) => `${base64url({ alg })}.${body}.`),
      ...["none", "None"].map((alg) => `${base64url({ alg, kid: signer.kid })}.${body}.${signature}`),
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${admin}.${signature}`,
      `${head}.${body}.${signature.slice(0, -4)}`,
      `${head}.${body}.${signature}.${signature}`,
      `..`,
      `${head}..${signature}`,
      `${base64url([])}.${body}.${signature}`,
      `${base64url(CANARY)}.${base64url(CANARY)}.${signature}`,
      `e.e.e`,
    ];
    for (const form of forms) await refuses(form);
  });

  test.each<[string, () => Readonly<Record<string, unknown>>]>([
    ["another audience", () => ({ aud: CANARY })],
    ["a longer audience", () => ({ aud: `${AUDIENCE}.example` })],
    ["no audience", () => ({ aud: undefined })],
    ["an audience that is an object", () => ({ aud: { [AUDIENCE]: true } })],
    ["another issuer", () => ({ iss: `https://${CANARY}.example` })],
    ["the issuer with a slash behind it", () => ({ iss: `${ISSUER}/` })],
    ["the issuer in a list", () => ({ iss: [ISSUER] })],
    ["no issuer", () => ({ iss: undefined })],
    ["no subject", () => ({ sub: undefined })],
    ["a subject with U+0000", () => ({ sub: `${CANARY}\0` })],
    ["an end an hour ago", () => ({ exp: nowSeconds() - 3600 })],
    ["no end", () => ({ exp: undefined })],
    ["an end in words", () => ({ exp: "9999999999" })],
    ["a beginning in an hour", () => ({ nbf: nowSeconds() + 3600 })],
    ["issued in an hour", () => ({ iat: nowSeconds() + 3600 })],
  ])(`${row(26)}: %s`, async (_, change) => {
    const refused = await refuses(signer.token(claimsOf(change())));
    const bare = await as(stand.wires[name], null).send(generic(method.getRecord), new Uint8Array());
    expect(said(refused)).toBe(said(bare));
  });

  test(`${row(26)}: an end that is no number that JSON holds`, async () => {
    await refuses(signer.token(JSON.stringify(claimsOf()).replace(/"exp":\d+/, '"exp":1e999')));
  });

  test.each<[string, unknown]>([
    ["a list", ["default"]],
    ["an empty list", []],
    ["a number", 5],
    ["an object", { id: "default" }],
    ["true", true],
    ["null", null],
    ["nothing", undefined],
    ["empty", ""],
    ["with U+0000", "default\0"],
    ["with a space before it", " default"],
    ["with a line break behind it", "default\n"],
    ["in upper case", "DEFAULT"],
    ["of 64 letters", CANARY.repeat(11).slice(0, 64)],
    ["a pattern", "%"],
    ["a path", "../default"],
    ["the name of a property", "__proto__"],
  ])(`${row(29)}: %s`, async (_, tenant) => {
    await refuses(signer.token(claimsOf({ tenant })));
    await refuses(signer.token(claimsOf({ tenant, Tenant: "default", tenants: ["default"] })));
  });

  test(`${row(29)}, but might: a tenant that is not registered is nobody's`, async () => {
    const token = signer.token(claimsOf({ tenant: unknownTenantId() }));
    await refusesAs(stand, name, token, method.claim, claimOf(), TENANT_FORBIDDEN);
    const named = { ...claimOf(), key: { ...newKey(), tenant: "default" } };
    await refusesAs(stand, name, token, method.claim, named, TENANT_FORBIDDEN);
  });

  test.each<[string, unknown]>([
    ["none", undefined],
    ["a number", 7],
    ["an object", { claim: true }],
    ["words of others", ["owner", "CLAIM", "claim,read"]],
    ["lists in a list", [["claim"]]],
  ])("roles that are %s allow nothing", async (_, roles) => {
    await refusesAs(stand, name, signer.token(claimsOf({ roles })), method.claim, claimOf(), ROLE_REQUIRED);
  });

  test("no token makes an administrator", async () => {
    const token = signer.token(claimsOf({ roles: ["claim", "operate", "admin"] }));
    expect((await call(as(stand.wires[name], token), getTenant, { tenantId: "default" })).tenant).toBeDefined();
    await refusesAs(stand, name, token, createApiKey, { roles: [1] }, ROLE_REQUIRED);
  });
});

/** Between two fetches of an issuer's keys. */
const COOLDOWN_MS = 30_000;

test(row(28), async () => {
  const wire = stand.wires.gRPC;
  await call(as(wire, signer.token(claimsOf())), method.claim, claimOf());
  const before = issuer.asked.get(JWKS) ?? 0;
  const startedMs = performance.now();
  const texts = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const tokens = Array.from({ length: 100 }, () => stranger.token(claimsOf(), { kid: randomUUID() }));
    const answers = await Promise.all(
      tokens.map((token) => as(wire, token).send(generic(method.claim), encode(wire, method.claim, claimOf()))),
    );
    for (const answer of answers) texts.add(said(answer));
    // Whose key is known is let in between them.
    await call(as(wire, signer.token(claimsOf())), method.claim, claimOf());
  }
  const cooldowns = Math.floor((performance.now() - startedMs) / COOLDOWN_MS);
  expect((issuer.asked.get(JWKS) ?? 0) - before).toBeLessThanOrEqual(1 + cooldowns);
  expect(texts.size).toBe(1);
  expect([...texts][0]).toContain("UNAUTHENTICATED");
});

test("a token of an issuer that a tenant registered is that tenant's, whatever it says", async () => {
  const tenantId = newTenantId();
  const own = `https://${tenantId}.example`;
  const trusted = { issuer: own, subject: "", audience: tenantId, jwksUrl: issuer.url(JWKS) };
  await access.register({ tenantId, issuers: [trusted] });
  const claims = claimsOf({ iss: own, aud: tenantId, tenant: "default", roles: ["operate", "admin"] });
  const wire = as(stand.wires.gRPC, signer.token(claims));
  expect(leaseOf(await call(wire, method.claim, claimOf())).handle?.key?.tenant).toBe(tenantId);
  for (const tenant of ["default", unknownTenantId()]) {
    const init = { ...claimOf(), key: { ...newKey(), tenant } };
    await refusesAs(stand, "gRPC", signer.token(claims), method.claim, init, TENANT_FORBIDDEN);
  }
  await refusesAs(stand, "gRPC", signer.token(claims), getTenant, { tenantId }, ROLE_REQUIRED);
});

livesOn(stand);
