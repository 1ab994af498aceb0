import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { FIELD_CASES } from "./field-cases.ts";
import { ROWS } from "./rows.ts";

const folder = new URL(".", import.meta.url);

/** Which files have tests of each row. */
async function filesByRow(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  const add = (row: string, file: string) => found.set(row, (found.get(row) ?? new Set()).add(file));
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".test.ts")).sort()) {
    const text = await readFile(new URL(file, folder), "utf8");
    for (const [, row = ""] of text.matchAll(/\brow\((\d+)\)/g)) add(row, file);
  }
  for (const { row } of FIELD_CASES) add(String(row), "same-words.test.ts");
  return found;
}

test("every row has a test that names it", async () => {
  expect([...(await filesByRow()).keys()].sort()).toEqual(Object.keys(ROWS).sort());
});

test("README.md names every row, and the files that test it", async () => {
  const readme = await readFile(new URL("README.md", folder), "utf8");
  const lines = [...readme.matchAll(/^\| (\d+) \| (.*) \| (.*) \|$/gm)].map(([, row, what, files]) => [
    row,
    what,
    files?.split(", ").sort(),
  ]);
  const found = await filesByRow();
  const filesOf = (row: string) => [...(found.get(row) ?? [])].map((file) => `\`${file.replace(".test.ts", "")}\``);
  expect(lines).toEqual(Object.entries(ROWS).map(([row, what]) => [row, what, filesOf(row).sort()]));
});
