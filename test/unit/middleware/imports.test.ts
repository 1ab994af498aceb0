import { expect, test } from "vitest";
import { filesBelow, importsOf } from "../../support/architecture.ts";

const files = filesBelow("src/middleware");

test("the middleware stands on the client's public names and clock, and on nothing of any framework", () => {
  const foreign = files.flatMap(({ path, text }) =>
    importsOf(path, text).filter((imported) => !/^src\/(middleware\/|client\/(public|clock)\.ts$)/.test(imported)),
  );
  expect(new Set(foreign)).toEqual(new Set(["node:http"]));
});

test("of Node it takes types only, and those only where Node's responses are", () => {
  for (const { path, text } of files) {
    const nodes = text.split("\n").filter((line) => line.includes('"node:'));
    for (const line of nodes) expect(line).toMatch(/^import type /);
    const mayUseNode = /\/(node\/[\w-]+|express|fastify|nest)\.ts$/.test(path);
    expect(mayUseNode || nodes.length === 0, path).toBe(true);
    if (!mayUseNode) expect(text, path).not.toMatch(/\bBuffer\b/);
  }
});
