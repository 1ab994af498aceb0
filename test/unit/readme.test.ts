import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the README prints the client example as it runs", () => {
  expect(read("README.md")).toContain(`\`\`\`ts\n${read("examples/typescript/once.ts")}\`\`\``);
});

test.each(["README.md", "CONTRIBUTING.md", "SECURITY.md"])("every file that %s links to is there", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link ?? "");
  expect(links.filter((link) => !existsSync(new URL(`../../${link}`, import.meta.url)))).toEqual([]);
});
