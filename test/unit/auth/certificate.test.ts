import { describe, expect, test } from "vitest";
import { createCertificateAuthenticator } from "../../../src/auth/certificate.ts";
import { CREDENTIALS_INVALID_TEXT } from "../../../src/auth/credentials-invalid.ts";

const dns = createCertificateAuthenticator({ pattern: "DNS:{tenant}.clients.example.org", roles: ["claim", "read"] });
const uri = createCertificateAuthenticator({ pattern: "URI:spiffe://example.org/tenant/{tenant}", roles: ["claim"] });

const tenantOf = (authenticator: typeof dns, ...names: readonly string[]) =>
  authenticator.authenticate({ names })?.tenant ?? null;

test("a certificate is its tenant, the configured roles and the name that says so", () => {
  expect(dns.authenticate({ names: ["DNS:worker-1.internal", "DNS:acme.clients.example.org"] })).toEqual({
    tenant: "acme",
    roles: new Set(["claim", "read"]),
    authenticated: true,
    name: "certificate:DNS:acme.clients.example.org",
  });
});

test("a connection's certificate is read once", () => {
  const certificate = { names: ["DNS:acme.clients.example.org"] };
  expect(dns.authenticate(certificate)).toBe(dns.authenticate(certificate));
});

describe("a DNS name", () => {
  test.each([
    ["DNS:acme.clients.example.org", "acme"],
    ["DNS:ACME.Clients.Example.ORG", "acme"],
    ["DNS:a.clients.example.org", "a"],
    ["DNS:acme-2.clients.example.org", "acme-2"],
    [`DNS:${"a".repeat(63)}.clients.example.org`, "a".repeat(63)],
  ])("%s is of tenant %s", (name, tenant) => {
    expect(tenantOf(dns, name)).toBe(tenant);
  });

  test.each([
    "DNS:.clients.example.org",
    "DNS:clients.example.org",
    "DNS:*.clients.example.org",
    "DNS:a.b.clients.example.org",
    "DNS:a_b.clients.example.org",
    "DNS:ácme.clients.example.org",
    "DNS:acme\u0000.clients.example.org",
    `DNS:${"a".repeat(64)}.clients.example.org`,
    "DNS:acme.clients.example.org.",
    "DNS:acme.clients.example.org.evil.example",
    "DNS:acme.clientsXexample.org",
    "DNS:acme.other.example.org",
    "URI:acme.clients.example.org",
    "IP Address:acme.clients.example.org",
    "acme.clients.example.org",
    "DNS:x, DNS:acme.clients.example.org",
    "",
  ])("%j is of no tenant", (name) => {
    expect(tenantOf(dns, name)).toBeNull();
  });

  test("is matched by a pattern in upper case too", () => {
    const shouting = createCertificateAuthenticator({ pattern: "DNS:{tenant}.Clients.Example.ORG", roles: [] });
    expect(tenantOf(shouting, "DNS:acme.clients.example.org")).toBe("acme");
  });
});

describe("a URI", () => {
  test("is of the tenant at its end", () => {
    expect(tenantOf(uri, "URI:spiffe://example.org/tenant/acme")).toBe("acme");
  });

  test.each([
    "URI:spiffe://example.org/tenant/",
    "URI:spiffe://example.org/tenant/acme/",
    "URI:spiffe://example.org/tenant/ACME",
    "URI:SPIFFE://example.org/tenant/acme",
    "URI:spiffe://Example.org/tenant/acme",
    "URI:spiffe://example.org/tenant/acme%2f",
    "URI:spiffe://example.org/tenant/acme?other",
    "URI:https://evil.example/?spiffe://example.org/tenant/acme",
    "DNS:spiffe://example.org/tenant/acme",
  ])("%j is of no tenant", (name) => {
    expect(tenantOf(uri, name)).toBeNull();
  });

  test("may have the tenant within it, between what must be there", () => {
    const within = createCertificateAuthenticator({ pattern: "URI:spiffe://a{tenant}a", roles: [] });
    expect(tenantOf(within, "URI:spiffe://aba")).toBe("b");
    expect(tenantOf(within, "URI:spiffe://a"), "the two ends do not overlap").toBeNull();
  });
});

describe("the names of one certificate", () => {
  test("may say the same tenant twice", () => {
    expect(tenantOf(dns, "DNS:acme.clients.example.org", "DNS:ACME.clients.example.org")).toBe("acme");
  });

  test("must not say two tenants", () => {
    const both = { names: ["DNS:acme.clients.example.org", "DNS:other.clients.example.org"] };
    for (let calls = 0; calls < 2; calls++) {
      expect(() => dns.authenticate(both)).toThrow(
        expect.objectContaining({ code: "CREDENTIALS_INVALID", message: CREDENTIALS_INVALID_TEXT }),
      );
    }
  });

  test("may say none", () => {
    expect(tenantOf(dns)).toBeNull();
  });
});

test.each(["DNS:clients.example.org", "DNS:{tenant}.{tenant}.example.org"])("%s is no pattern", (pattern) => {
  expect(() => createCertificateAuthenticator({ pattern, roles: [] })).toThrow("bug:");
});
