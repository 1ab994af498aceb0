import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { plainNames } from "../../../src/server/tls/alternative-names.ts";
import { createAuthority } from "../../support/certificates.ts";

const authority = createAuthority();

/** As Node writes the names of a real certificate. */
function written(names: readonly string[]): string {
  return new X509Certificate(authority.issue({ names, client: true }).certPem).subjectAltName ?? "";
}

test.each([
  ["DNS names", ["DNS:acme.example.org", "DNS:*.example.org"], ["DNS:acme.example.org", "DNS:*.example.org"]],
  ["an address of SPIFFE", ["URI:spiffe://example.org/ns/acme"], ["URI:spiffe://example.org/ns/acme"]],
  ["an IP address, which is no name", ["IP:127.0.0.1", "IP:::1", "DNS:a"], ["DNS:a"]],
  ["a name that would look like two", ["DNS:a, DNS:b", "DNS:c"], ["DNS:c"]],
  ["a name that would end the quotes", ['DNS:a", DNS:b, "', "DNS:c"], ["DNS:c"]],
  ["a name with a backslash", ["DNS:a\\", "DNS:c"], ["DNS:c"]],
  ["a name with an apostrophe", ["DNS:a'b"], []],
  ["a name with a tab", ["URI:x\tDNS:b", "DNS:c"], ["DNS:c"]],
  ["a name with a zero byte", ["DNS:a\0.example.org", "DNS:c"], ["DNS:c"]],
  ["a name with a space", ["DNS:a b", "DNS:c"], ["DNS:c"]],
  ["a name beyond ASCII", ["DNS:ä", "URI:http://ä/", "DNS:c"], ["DNS:c"]],
  ["an empty name", ["DNS:", "URI:", "DNS:c"], ["DNS:c"]],
  ["an address that looks like a DNS name", ["URI:DNS:b"], ["URI:DNS:b"]],
  ["every visible character but those that separate", ["URI:!#$%&()*+-./09:;<=>?@AZ[]^_`az{|}~"], undefined],
])("of a certificate with %s, the plain names are taken", (_what, names, taken = names) => {
  expect(plainNames(written(names))).toEqual(taken);
});

test.each([
  ["nothing", "", []],
  ["other kinds of names", "email:a@b, othername:UPN:x, Registered ID:1.2.3, DNS:c", ["DNS:c"]],
  ["a kind in quotes", 'othername:UPN:"a, DNS:b", DNS:c', ["DNS:c"]],
  ["quotes that do not end", 'DNS:a, DNS:"b, DNS:c', []],
  ["no space behind a comma", "DNS:a,DNS:b", []],
])("of a text with %s", (_what, text, taken) => {
  expect(plainNames(text)).toEqual(taken);
});
