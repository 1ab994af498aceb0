import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { problemsOf } from "../../../../scripts/sbom/check.ts";
import { type Bom, type Component, type Lock, shippedIn, shippedOf } from "../../../../scripts/sbom/shipped.ts";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
const folder = mkdtempSync(join(tmpdir(), "holdfast-sbom-"));
const out = join(folder, "bom.json");
let bom: Bom;

function run(...args: readonly string[]) {
  return spawnSync(process.execPath, ["scripts/sbom.ts", ...args], { encoding: "utf8" });
}

beforeAll(() => {
  const { status, stderr } = run("--out", out);
  expect({ status, stderr }).toEqual({ status: 0, stderr: `${shippedIn(lock).size} packages in ${out}\n` });
  bom = JSON.parse(readFileSync(out, "utf8")) as Bom;
});

afterAll(() => rmSync(folder, { recursive: true }));

test("the bill names what is shipped, and neither tools nor tests", () => {
  const names = bom.components.map(({ name }) => name);
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(names).toEqual(expect.arrayContaining([...Object.keys(dependencies), ...Object.keys(optionalDependencies)]));
  for (const tool of ["typescript", "vitest", "testcontainers", "@bufbuild/buf"]) expect(names).not.toContain(tool);
  expect(bom.metadata.component).toMatchObject({ name: "holdfast", type: "application", version: expect.any(String) });
});

test("the bill is complete, each package with the hash by which it is locked", () => {
  expect(problemsOf(bom, lock)).toEqual([]);
});

const changed = (change: Partial<Bom>) => ({ ...bom, ...change });
const withFirst = (change: Partial<Component>) =>
  changed({ components: bom.components.map((one, index) => (index === 0 ? { ...one, ...change } : one)) });

test.each<[string, () => Bom, RegExp]>([
  ["another format", () => changed({ bomFormat: "SPDX" }), /^bomFormat is SPDX$/],
  ["another version of it", () => changed({ specVersion: "1.6" }), /^specVersion is 1\.6$/],
  ["no serial number", () => changed({ serialNumber: "1" }), /^serialNumber is 1$/],
  ["version 0", () => changed({ version: 0 }), /^version is 0$/],
  ["a package that is missing", () => changed({ components: bom.components.slice(1) }), / is shipped and not in it$/],
  ["one twice", () => changed({ components: [...bom.components, ...bom.components.slice(0, 1)] }), / is there twice$/],
  ["one that is not shipped", () => withFirst({ "bom-ref": "left-pad@1.3.0" }), /^left-pad@1\.3\.0 is not shipped$/],
  ["one without a hash", () => withFirst({ hashes: [] }), / has no hash$/],
  ["a cut hash", () => withFirst({ hashes: [{ alg: "SHA-512", content: "00" }] }), / has a hash that is no SHA-512$/],
  [
    "another hash",
    () => withFirst({ hashes: [{ alg: "SHA-512", content: "0".repeat(128) }] }),
    / has another hash than in the lock file$/,
  ],
  ["one without licence", () => withFirst({ licenses: [] }), / has no licence$/],
  ["one of no type", () => withFirst({ type: "thing" }), / is of type thing$/],
  ["one from elsewhere", () => withFirst({ purl: "pkg:generic/x" }), / has the purl pkg:generic\/x$/],
  [
    "a dependency on nothing",
    () => changed({ dependencies: [{ ref: "holdfast@0.1.0", dependsOn: ["x@1"] }] }),
    /^x@1 is depended on and not in it$/,
  ],
])("a bill with %s is not written", (_what, made, problem) => {
  expect(problemsOf(made(), lock)).toContainEqual(expect.stringMatching(problem));
});

test("what is there twice, once for development, is shipped", () => {
  const packages = {
    "": { version: "1.0.0" },
    "node_modules/a": { version: "1.0.0", dev: true },
    "node_modules/b/node_modules/a": { version: "1.0.0" },
  };
  const development = [{ name: "cdx:npm:package:development", value: "true" }];
  const component = {
    ...{ "bom-ref": "a@1.0.0", type: "library", name: "a" },
    version: "1.0.0",
    purl: "pkg:npm/a@1.0.0",
  };
  const everything = changed({ components: [{ ...component, properties: development }], dependencies: [] });
  expect(shippedOf(everything, { name: "x", packages }).components).toEqual([{ ...component, properties: [] }]);
});

test.each([
  [["--out", "/nonexistent/bom.json"], /^no bill was written: ENOENT/],
  [["--format", "spdx"], /^sbom: Unknown option '--format'; the flags are --out, --help$/m],
  [["--out", ""], /^sbom: --out takes the name of a file$/m],
])("%j is refused", (args, message) => {
  const { status, stdout, stderr } = run(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(message);
});
