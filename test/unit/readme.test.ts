import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the README prints the client example as it runs", () => {
  expect(read("README.md")).toContain(`\`\`\`ts\n${read("examples/typescript/once.ts")}\`\`\``);
});
