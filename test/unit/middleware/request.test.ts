import { expect, test } from "vitest";
import { comparable, inputOf, mediaTypeOf, recordKey, scopeOf } from "../../../src/middleware/http/request.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (json: string) => ({ kind: "bytes", bytes: new TextEncoder().encode(json) }) as const;

test("a scope is method and route, and what is too long ends in a digest of the whole", async () => {
  expect(await scopeOf({ method: "POST", route: "/orders/:id" })).toBe("POST /orders/:id");
  const one = await scopeOf({ method: "POST", route: `/${"\u00e9".repeat(200)}/a` });
  const two = await scopeOf({ method: "POST", route: `/${"\u00e9".repeat(200)}/b` });
  expect(one).not.toBe(two);
  for (const scope of [one, two]) expect(new TextEncoder().encode(scope).length).toBeLessThanOrEqual(128);
});

test("no two pairs of principal and key are one record", async () => {
  const digest = (await recordKey("x".repeat(300), "k")).slice(0, -2);
  const pairs = [
    ["", "a/b"],
    ["a", "b"],
    ["a/b", ""],
    ["a%2Fb", ""],
    ["x".repeat(300), "k"],
    [digest, "k"],
    ["~", "k"],
  ] as const;
  const names = await Promise.all(pairs.map(([principal, key]) => recordKey(principal, key)));
  expect(new Set(names).size).toBe(pairs.length);
});

test("the longest key of the longest principal fits", async () => {
  const key = "x".repeat(255);
  for (const principal of ["p".repeat(256), "\u20ac".repeat(1000)]) {
    expect(new TextEncoder().encode(await recordKey(principal, key)).length).toBeLessThanOrEqual(512);
  }
});

test.each([undefined, null, 7, "\ud800"])("a principal that is no text is refused: %j", async (principal) => {
  await expect(recordKey(principal as string, "k")).rejects.toThrow(
    "put what authenticates the request in front of this",
  );
});

test("JSON is compared by its meaning, whether its bytes are there or not", () => {
  const parsed = comparable({ kind: "parsed", value: { b: [1, null], a: "x" } }, "");
  for (const json of ['{"a":"x","b":[1,null]}', ' {"b": [1.0, null], "a": "\\u0078"}']) {
    expect(text(comparable(bytes(json), "application/vnd.api+json"))).toBe(text(parsed));
  }
});

test("other bytes, and JSON that is none, are compared as they are", () => {
  expect(text(comparable(bytes('{"a": 1}'), "text/plain"))).toBe('{"a": 1}');
  expect(text(comparable(bytes('{"a": '), "application/json"))).toBe('{"a": ');
  expect(comparable({ kind: "none" }, "")).toHaveLength(0);
});

test("a number beyond 2^53 is compared by the bytes, and refused without them", () => {
  const json = '{"a": 9007199254740993}';
  expect(text(comparable(bytes(json), "application/json"))).toBe(json);
  expect(() => comparable({ kind: "parsed", value: { a: [2 ** 53] } }, "")).toThrow("the bytes are gone");
});

test.each(['{"a":"\\ud800"}', '{"a":1e999}'])("%s has no canonical form", (json) => {
  expect(() => comparable(bytes(json), "application/json")).toThrow(TypeError);
});

test("what is compared begins with a line that no body can continue", () => {
  const one = inputOf({ method: "POST", target: "/a" }, new TextEncoder().encode("x"));
  expect(text(one)).toBe('{"method":"POST","target":"/a"}\nx');
});

test.each([
  ["application/json; charset=utf-8", "application/json"],
  ["Application/JSON", "application/json"],
  [undefined, ""],
])("the media type of %s is %s", (contentType, mediaType) => {
  expect(mediaTypeOf(contentType)).toBe(mediaType);
});
