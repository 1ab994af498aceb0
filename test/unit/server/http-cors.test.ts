import { cors } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { origins } from "../../../src/server/config/origins-kind.ts";
import { ALLOWED_HEADERS, EXPOSED_HEADERS } from "../../../src/server/http-cors.ts";

const namesOf = (list: string) => list.split(", ");

describe("what is allowed to other origins", () => {
  test("is what Connect and gRPC-Web say, and what this client sends beside it", () => {
    const said = cors.allowedHeaders.map((name) => name.toLowerCase());
    expect(said.filter((name) => !namesOf(ALLOWED_HEADERS).includes(name))).toEqual([]);
    expect(namesOf(ALLOWED_HEADERS)).toEqual(expect.arrayContaining(["authorization", "traceparent", "tracestate"]));
    const exposed = cors.exposedHeaders.map((name) => name.toLowerCase());
    expect(exposed.filter((name) => !namesOf(EXPOSED_HEADERS).includes(name))).toEqual([]);
  });
});

describe("--cors-origins", () => {
  test.each([
    ["https://app.example.org", ["https://app.example.org"]],
    ["http://localhost:5173,https://a.example", ["http://localhost:5173", "https://a.example"]],
    ["https://a.example,https://a.example", ["https://a.example"]],
    ["http://[::1]:8080", ["http://[::1]:8080"]],
  ])("takes %s", (given, parsed) => {
    expect(origins.parse(given)).toEqual(parsed);
  });

  test.each([
    "*",
    "null",
    "app.example.org",
    "https://app.example.org/",
    "https://app.example.org/page",
    "https://app.example.org:443",
    "https://APP.example.org",
    "https://user@app.example.org",
    "ftp://app.example.org",
    "https://a.example,",
    "https://a.example, https://b.example",
    "https://*.example.org",
  ])("refuses %s", (given) => {
    expect(origins.parse(given)).toBe(undefined);
  });

  test("may be a list in a file", () => {
    expect(origins.inFile?.textOf(["https://a.example", "https://b.example"])).toBe(
      "https://a.example,https://b.example",
    );
    expect(origins.inFile?.textOf(["https://a.example,https://b.example"])).toBe(undefined);
    expect(origins.inFile?.textOf(7)).toBe(undefined);
  });
});
