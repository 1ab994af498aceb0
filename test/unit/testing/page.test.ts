import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

test("what the page on testing shows is in the examples, which run", () => {
  const blocks = [...read("docs/clients/testing.md").matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? "");
  const examples = read("examples/testing/charge.ts") + read("examples/testing/charge.test.ts");
  expect(blocks.length).toBeGreaterThan(3);
  expect(blocks.filter((code) => !examples.includes(code))).toEqual([]);
});
