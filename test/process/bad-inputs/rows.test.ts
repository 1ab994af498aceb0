import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ROWS } from "./rows.ts";

test("every row has a test that names it", async () => {
  const folder = new URL(".", import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".test.ts"));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  const named = texts.flatMap((text) => [...text.matchAll(/\brow\((\d+)\)/g)].map(([, number]) => number));
  expect([...new Set(named)].sort()).toEqual(Object.keys(ROWS).sort());
});
