import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MUTANTS } from "../../../../proof/mutants/mutants.ts";
import { applyPatch } from "../../../../proof/mutants/patch.ts";

const ROOT = join(import.meta.dirname, "../../../..");

describe.each(MUTANTS.map((mutant) => [mutant.id, mutant] as const))("mutant %s", (_, { patches, killedBy }) => {
  test("still finds in the code what it takes out, once", () => {
    const texts = new Map<string, string>();
    for (const patch of patches) {
      expect(patch.file).toMatch(/^src\/.+\.(ts|sql)$/);
      const text = texts.get(patch.file) ?? readFileSync(join(ROOT, patch.file), "utf8");
      const patched = applyPatch(text, patch);
      expect(patched).not.toBe(text);
      texts.set(patch.file, patched);
    }
    expect(texts.size).toBeGreaterThan(0);
  });

  test("has checks, and the files of all of them are there", () => {
    expect(killedBy.length).toBeGreaterThan(0);
    for (const check of killedBy) {
      const file = check.kind === "vitest" ? check.file : (check.args[0] ?? "");
      expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });
});

test("M1 to M16 are all there, and no two mutants have one id", () => {
  const ids = MUTANTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (let number = 1; number <= 16; number++) expect(ids).toContain(`M${number}`);
});

describe("a patch", () => {
  const patch = { file: "src/a.ts", find: "b", replace: "c" };

  test("is applied where what it looks for is there once", () => {
    expect(applyPatch("abc", patch)).toBe("acc");
    expect(applyPatch("abc", { ...patch, replace: "$&" })).toBe("a$&c");
  });

  test.each([
    ["nowhere", "ac"],
    ["2 times", "abcb"],
  ])("says that the code has moved on where that is there %s", (found, text) => {
    expect(() => applyPatch(text, patch)).toThrow(
      `the code has moved on: src/a.ts has this ${found}, and not once:\nb`,
    );
  });
});
