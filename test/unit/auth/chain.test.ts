import { describe, expect, test } from "vitest";
import { createApiKeyAuthenticator } from "../../../src/auth/api-key.ts";
import type { Credentials, Principal } from "../../../src/auth/authenticator.ts";
import { createCertificateAuthenticator } from "../../../src/auth/certificate.ts";
import { type ChainDeps, createAuthenticator, type TokenAuthenticator } from "../../../src/auth/chain.ts";
import { CREDENTIALS_INVALID_TEXT, credentialsInvalid } from "../../../src/auth/credentials-invalid.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { createMemoryApiKeyTable, freshApiKey } from "../../support/api-key-table.ts";
import { NO_CREDENTIALS } from "../../support/credentials.ts";
import { NOW } from "../../support/records.ts";
import { createManualClock } from "../store/manual-clock.ts";

const NEVER = Number.POSITIVE_INFINITY;

const own = freshApiKey({ tenant: "acme" });
const admin = freshApiKey({ tenant: null, roles: new Set(["admin"]) });

/** The token names its tenant: "jwt.acme". */
const jwt: TokenAuthenticator = {
  async authenticate(token) {
    const tenant = /^jwt\.([a-z]+)$/.exec(token)?.[1];
    if (tenant === undefined) throw credentialsInvalid();
    return { tenant, roles: new Set(), authenticated: true, name: `jwt:issuer#${tenant}` };
  },
};

const certificates = createCertificateAuthenticator({ pattern: "DNS:{tenant}.clients", roles: ["claim"] });

async function chain(...ways: readonly (keyof ChainDeps)[]) {
  const table = createMemoryApiKeyTable(() => NOW);
  for (const { input } of [own, admin]) await table.create(input, { actor: "server", reason: "" });
  const apiKeys = createApiKeyAuthenticator({ table, clock: createManualClock(), now: () => NOW });
  const all = { apiKeys, jwt, certificates };
  return createAuthenticator(Object.fromEntries(ways.map((way) => [way, all[way]])));
}

const sent = (authorization?: string, ...names: readonly string[]): Credentials => ({
  metadata: (name) => (name === "authorization" ? authorization : undefined),
  certificate: () => (names.length === 0 ? null : { names }),
});

const ACME = "DNS:acme.clients";
const OTHER = "DNS:other.clients";
const NOBODY = "DNS:laptop.internal";

describe("who calls", () => {
  const all = ["apiKeys", "jwt", "certificates"] as const;
  test.each<[string, Credentials, Pick<Principal, "tenant"> & { name: string }]>([
    ["an API key", sent(`Bearer ${own.text}`), { tenant: "acme", name: `api-key:${own.input.id}` }],
    ["a scheme in small letters", sent(`bearer ${own.text}`), { tenant: "acme", name: `api-key:${own.input.id}` }],
    ["a scheme in capitals", sent(`BEARER  ${own.text}`), { tenant: "acme", name: `api-key:${own.input.id}` }],
    ["a key of every tenant", sent(`Bearer ${admin.text}`), { tenant: null, name: `api-key:${admin.input.id}` }],
    ["a JWT", sent("Bearer jwt.acme"), { tenant: "acme", name: "jwt:issuer#acme" }],
    ["a certificate", sent(undefined, ACME), { tenant: "acme", name: `certificate:${ACME}` }],
    [
      "a key with its tenant's certificate",
      sent(`Bearer ${own.text}`, ACME),
      { tenant: "acme", name: `api-key:${own.input.id}` },
    ],
    ["a JWT with its tenant's certificate", sent("Bearer jwt.acme", ACME), { tenant: "acme", name: "jwt:issuer#acme" }],
    [
      "a key with nobody's certificate",
      sent(`Bearer ${own.text}`, NOBODY),
      { tenant: "acme", name: `api-key:${own.input.id}` },
    ],
    [
      "a key of every tenant with nobody's certificate",
      sent(`Bearer ${admin.text}`, NOBODY),
      { tenant: null, name: `api-key:${admin.input.id}` },
    ],
  ])("is told by %s", async (_, credentials, expected) => {
    const authenticator = await chain(...all);
    expect(await authenticator.authenticate(credentials, NEVER)).toMatchObject(expected);
  });
});

describe("CREDENTIALS_INVALID, with the one text, is the answer to", () => {
  const all = ["apiKeys", "jwt", "certificates"] as const;
  test.each<[string, readonly (keyof ChainDeps)[], Credentials]>([
    ["no credential", all, NO_CREDENTIALS],
    ["a certificate of no tenant", all, sent(undefined, NOBODY)],
    ["a certificate of two tenants", all, sent(undefined, ACME, OTHER)],
    ["a certificate where none is configured", ["apiKeys"], sent(undefined, ACME)],
    ["an API key where none is configured", ["jwt", "certificates"], sent(`Bearer ${own.text}`)],
    ["a JWT where none is configured", ["apiKeys", "certificates"], sent("Bearer jwt.acme")],
    ["an unknown API key", all, sent(`Bearer ${freshApiKey().text}`)],
    ["an unknown JWT", all, sent("Bearer nonsense")],
    ["a wrong key with a good certificate", all, sent(`Bearer ${freshApiKey().text}`, ACME)],
    ["a wrong JWT with a good certificate", all, sent("Bearer nonsense", ACME)],
    ["an empty header with a good certificate", all, sent("", ACME)],
    ["a key of another tenant than the certificate", all, sent(`Bearer ${own.text}`, OTHER)],
    ["a JWT of another tenant than the certificate", all, sent("Bearer jwt.acme", OTHER)],
    ["a key of every tenant with a tenant's certificate", all, sent(`Bearer ${admin.text}`, ACME)],
    ["a good key with a certificate of two tenants", all, sent(`Bearer ${own.text}`, ACME, OTHER)],
    ["another scheme", all, sent(`Basic ${own.text}`)],
    ["no scheme", all, sent(own.text)],
    ["a scheme alone", all, sent("Bearer ")],
    ["a token glued to the scheme", all, sent(`Bearer${own.text}`)],
    ["two values joined by a comma", all, sent(`Bearer ${own.text}, Bearer ${own.text}`)],
    ["two tokens", all, sent(`Bearer ${own.text} ${own.text}`)],
    ["something behind the token", all, sent(`Bearer ${own.text}\n`)],
    ["a token of 1 MiB", all, sent(`Bearer hf_${"A".repeat(1024 * 1024)}`)],
    ["a megabyte of spaces", all, sent(`Bearer${" ".repeat(1024 * 1024)}`)],
  ])("%s", async (_, ways, credentials) => {
    const authenticator = await chain(...ways);
    const thrown: unknown = await authenticator.authenticate(credentials, NEVER).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Fault);
    expect(thrown).toMatchObject({
      code: "CREDENTIALS_INVALID",
      message: CREDENTIALS_INVALID_TEXT,
      retryAfterMs: null,
    });
    const cause = String((thrown as Fault).cause);
    for (const { text } of [own, admin]) expect(cause).not.toContain(text.split(".")[1]);
  });
});

test("a certificate is not asked for where certificates say nothing", async () => {
  const authenticator = await chain("apiKeys");
  const credentials: Credentials = {
    ...sent(`Bearer ${own.text}`),
    certificate: () => {
      throw new Error("asked");
    },
  };
  expect(await authenticator.authenticate(credentials, NEVER)).toMatchObject({ tenant: "acme" });
});
