import { describe, expect, test } from "vitest";
import { mayBeAsked, type Reach, readTarget } from "../../../../src/tenants/validators/target.ts";

const STRICT: Reach = { loopback: false, private: false, ports: [] };
const DEVELOPMENT: Reach = { loopback: true, private: false, ports: [8443, 8080] };
const OPERATOR: Reach = { loopback: false, private: true, ports: [6443] };

function targetOf(spelling: string, reach: Reach) {
  const reading = readTarget(spelling, reach);
  if (reading.kind !== "target") throw new Error(reading.reason);
  return reading.target;
}

describe("a URL is refused before anything is looked up", () => {
  test.each([
    ["only https is asked", "http://example.com/"],
    ["only https is asked", "http://localhost/"],
    ["only https is asked", "ftp://example.com/"],
    ["only https is asked", "file:///etc/passwd"],
    ["only https is asked", "gopher://example.com:70/_"],
    ["only https is asked", "data:application/json,{}"],
    ["only https is asked", "javascript:1"],
    ["only https is asked", "example.com"],
    ["only https is asked", "https://"],
    ["only https is asked", "https://[::1"],
    ["only https is asked", "https://exa mple.com/"],
    ["only https is asked", ""],
    ["the URL holds a user or a password", "https://user@example.com/"],
    ["the URL holds a user or a password", "https://user:secret@example.com/"],
    ["the URL holds a user or a password", "https://:secret@example.com/"],
    ["the URL holds a user or a password", "https://example.com%40x:y@10.0.0.1/"],
    ["the port is not among those that may be asked", "https://example.com:8443/"],
    ["the port is not among those that may be asked", "https://example.com:22/"],
    ["the port is not among those that may be asked", "https://example.com:80/"],
    ["the URL is longer than 2048 characters", `https://example.com/${"a".repeat(2029)}`],
  ])("%s: %s", (reason, spelling) => {
    expect(readTarget(spelling, STRICT)).toEqual({ kind: "refused", reason });
  });

  test.each([
    "http://example.com:8080/",
    "http://10.0.0.1:8080/",
    "http://localhost.example.com:8080/",
    "http://127.0.0.1.example.com:8080/",
  ])("without TLS nobody but loopback is asked, in development neither: %s", (spelling) => {
    expect(readTarget(spelling, DEVELOPMENT)).toEqual({ kind: "refused", reason: "only https is asked" });
  });
});

describe("a URL has one spelling as a target", () => {
  test.each([
    ["https://Example.COM", "https://example.com/"],
    ["https://example.com.:443/keys?a=b#part", "https://example.com/keys?a=b"],
    ["https://bücher.example/", "https://xn--bcher-kva.example/"],
    ["https://[2001:DB8::0:1]/x", "https://[2001:db8::1]/x"],
    ["https://0x7f000001/", "https://127.0.0.1/"],
    ["https://2130706433/", "https://127.0.0.1/"],
    ["https://0177.0.0.1/", "https://127.0.0.1/"],
    ["https://127.1/", "https://127.0.0.1/"],
    ["https://127.0.0.1./", "https://127.0.0.1/"],
    ["https://①②⑦.0.0.1/", "https://127.0.0.1/"],
    ["https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/"],
    ["https://example.com\\@10.0.0.1/", "https://example.com/@10.0.0.1/"],
  ])("%s", (spelling, text) => {
    expect(targetOf(spelling, STRICT).text).toBe(text);
  });

  test.each([
    ["http://localhost:8080/"],
    ["http://a.localhost:8080/"],
    ["http://127.0.0.1:8080/"],
    ["http://[::1]:8080/"],
    ["https://example.com:8443/"],
  ])("in development %s may be asked", (spelling) => {
    expect(targetOf(spelling, DEVELOPMENT).text).toBe(spelling);
  });

  test("a host keeps neither brackets nor the root's dot", () => {
    expect(targetOf("https://[::1]/", STRICT)).toMatchObject({ host: "::1", authority: "[::1]", port: 443 });
    expect(targetOf("https://a.example.:6443/", OPERATOR)).toMatchObject({
      host: "a.example",
      authority: "a.example:6443",
    });
  });
});

describe("the addresses of a host", () => {
  const secure = targetOf("https://example.com/", STRICT);
  const clear = targetOf("http://localhost:8080/", DEVELOPMENT);
  test.each([
    [true, ["93.184.216.34"], secure, STRICT],
    [true, ["93.184.216.34", "2606:4700::1111"], secure, STRICT],
    [false, ["127.0.0.1"], secure, STRICT],
    [false, ["10.0.0.1"], secure, STRICT],
    [false, ["93.184.216.34", "10.0.0.1"], secure, STRICT],
    [false, ["2606:4700::1111", "::1"], secure, STRICT],
    [false, ["169.254.169.254"], secure, STRICT],
    [false, ["not an address"], secure, STRICT],
    [true, ["127.0.0.1", "::1"], secure, DEVELOPMENT],
    [false, ["10.0.0.1"], secure, DEVELOPMENT],
    [true, ["127.0.0.1", "::1"], clear, DEVELOPMENT],
    [false, ["127.0.0.1"], clear, STRICT],
    [false, ["93.184.216.34"], clear, DEVELOPMENT],
    [true, ["10.0.0.1", "fd00::1"], secure, OPERATOR],
    [false, ["10.0.0.1"], clear, { ...DEVELOPMENT, private: true }],
    [false, ["127.0.0.1"], secure, OPERATOR],
    [false, ["169.254.169.254"], secure, OPERATOR],
  ])("may be asked, %s: %s", (allowed, addresses, target, reach) => {
    expect(mayBeAsked(addresses, target, reach)).toBe(allowed);
  });
});
