import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_HOST, normaliseHost } from "../../../src/tenants/hosts.ts";

test.each([
  ["a plain name", "example.com", "example.com"],
  ["a whole URL", "https://example.com/a/b?c#d", "example.com"],
  ["a URL without scheme", "//example.com/a", "example.com"],
  ["another scheme", "postgres+tls://example.com", "example.com"],
  ["upper case", "API.Example.COM", "api.example.com"],
  ["a port", "example.com:8443", "example.com"],
  ["an empty port", "example.com:", "example.com"],
  ["a trailing root dot", "example.com.", "example.com"],
  ["a trailing root dot and a port", "example.com.:443", "example.com"],
  ["a user and a password", "https://user:p@ss@example.com/", "example.com"],
  ["an IPv6 address in brackets with a port", "[::1]:8080", "::1"],
  ["a long IPv6 address", "[2001:DB8::0:1]:443", "2001:db8::1"],
  ["an IPv6 address in full", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["a bare IPv6 address", "::1", "::1"],
  ["an IPv6 address in a URL", "http://[::1]:8080/path", "::1"],
  ["an IPv4 address", "127.0.0.1:80", "127.0.0.1"],
  ["a U-label", "münchen.example", "xn--mnchen-3ya.example"],
  ["an A-label", "XN--mnchen-3ya.example", "xn--mnchen-3ya.example"],
  ["a U-label in decomposed letters", "mu\u0308nchen.example", "xn--mnchen-3ya.example"],
  ["fullwidth letters and dots", "ｅｘａｍｐｌｅ。com", "example.com"],
  ["spaces around", "  example.com\t", "example.com"],
  ["one label", "localhost", "localhost"],
  ["digits and hyphens", "a-1.b--2.example", "a-1.b--2.example"],
  ["a label of 63", `${"a".repeat(63)}.example`, `${"a".repeat(63)}.example`],
])("%s", (_, spelling, normal) => {
  expect(normaliseHost(spelling)).toBe(normal);
});

describe("what is no host matches nothing", () => {
  test.each([
    ["nothing", ""],
    ["spaces", "   "],
    ["a scheme alone", "https://"],
    ["a path alone", "/a"],
    ["an open bracket", "[::1"],
    ["brackets around a name", "[example.com]"],
    ["letters behind the bracket", "[::1]x"],
    ["an IPv6 zone", "fe80::1%eth0"],
    ["an underscore", "a_b.example"],
    ["a label of 64", `${"a".repeat(64)}.example`],
    ["a name of 254", `${"a.".repeat(126)}aa`],
    ["10 KiB", "a".repeat(10_240)],
    ["two root dots", "example.com.."],
    ["an empty label", "a..example"],
    ["a leading dot", ".example.com"],
    ["a leading hyphen", "-a.example"],
    ["a wildcard", "*"],
    ["a wildcard label", "*.example.com"],
    ["a LIKE pattern", "%"],
    ["an escape", "ex%61mple.com"],
    ["a path upwards", "../"],
    ["a space inside", "exa mple.com"],
    ["two ports", "example.com:1:2"],
    ["a port of letters", "example.com:http"],
    ["U+0000", "exa\0mple.com"],
    ["damaged punycode", "xn--\u0080.example"],
    ["half a surrogate pair", "\ud800.example"],
  ])("%s", (_, spelling) => {
    expect(normaliseHost(spelling)).toBe(NO_HOST);
  });
});

test("homographs stay what they are: another name", () => {
  expect(normaliseHost("еxample.com")).toBe("xn--xample-2of.com");
});

test("never throws, and leaves its own results alone", () => {
  const pieces = fc.constantFrom(
    "http://",
    "user@",
    "EXAMPLE",
    ".",
    "com",
    ":443",
    "[",
    "]",
    "::1",
    "ß",
    "。",
    "%",
    "*",
    "/",
    " ",
    "xn--",
  );
  // Any code points, surrogates too; fast-check's own arbitrary for them takes a second to set up.
  const anyText = fc
    .array(fc.integer({ min: 0, max: 0x10ffff }))
    .map((points) => points.map((point) => String.fromCodePoint(point)).join(""));
  const spelling = fc.oneof(
    anyText,
    fc.array(pieces).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(spelling, (text) => {
      const normal = normaliseHost(text);
      expect(normaliseHost(normal)).toBe(normal);
      expect(normal).toMatch(/^[a-z0-9.:-]*$/);
    }),
    { numRuns: 500 },
  );
});
