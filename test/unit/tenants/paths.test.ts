import { expect, test } from "vitest";
import { isPathPrefix, normalisePath, PATH_SEGMENTS_MAX, pathPrefixes } from "../../../src/tenants/paths.ts";

const NORMAL: readonly (readonly [path: string, normal: string])[] = [
  ["", ""],
  ["/", ""],
  ["///", ""],
  ["/a", "/a"],
  ["/a/", "/a"],
  ["/a/b//", "/a/b"],
  ["a/b", "/a/b"],
  ["/a?b=/c", "/a"],
  ["/a/?b", "/a"],
  ["/a#b", "/a"],
  ["?a", ""],
  ["#", ""],
  ["//a", "//a"],
  ["/a//b", "/a//b"],
  ["/a/../b", "/a/../b"],
  ["/a/%2F", "/a/%2F"],
  ["/A", "/A"],
  ["/é", "/é"],
];

test.each(NORMAL)("the normal form of the path %j is %j, and that of itself", (path, normal) => {
  expect(normalisePath(path)).toBe(normal);
  expect(normalisePath(normal)).toBe(normal);
});

const PREFIXES: readonly (readonly [path: string, prefixes: readonly string[]])[] = [
  ["", [""]],
  ["/a", ["/a", ""]],
  ["/a/b", ["/a/b", "/a", ""]],
  ["/ab/c", ["/ab/c", "/ab", ""]],
  ["//a", ["//a", ""]],
  ["/a//b", ["/a//b", "/a", ""]],
];

test.each(PREFIXES)("the prefixes of %j are %j: those that end on a boundary, the longest first", (path, prefixes) => {
  expect(pathPrefixes(path)).toEqual(prefixes);
});

test("every prefix can be registered, however long and deep the path is", () => {
  for (const path of ["/a".repeat(100_000), `/${"a".repeat(100_000)}`, `/é${"/é".repeat(300)}`, "/a//".repeat(1_000)]) {
    const prefixes = pathPrefixes(normalisePath(path));
    expect(prefixes.at(-1)).toBe("");
    expect(prefixes.length).toBeLessThanOrEqual(PATH_SEGMENTS_MAX + 1);
    for (const prefix of prefixes) expect(prefix === "" || isPathPrefix(prefix)).toBe(true);
  }
});

test.each([
  "/a/",
  "/",
  "a",
  "/a?b",
  "/a\0",
  "/a".repeat(PATH_SEGMENTS_MAX + 1),
  `/${"a".repeat(512)}`,
  `/${"é".repeat(256)}`,
])("%j cannot be registered as a prefix", (path) => {
  expect(isPathPrefix(path)).toBe(false);
});

test.each(["", "/a", "/a".repeat(PATH_SEGMENTS_MAX), `/${"a".repeat(511)}`])(
  "%j can be registered as a prefix",
  (path) => {
    expect(isPathPrefix(path)).toBe(true);
    expect(pathPrefixes(path)[0]).toBe(path);
  },
);
