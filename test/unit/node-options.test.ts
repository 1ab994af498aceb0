import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { serverNodeOptions } from "../../bench/load/node-options.ts";

test("npm start gives Node the options that the bin gives it, and the benchmarks measure with them", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const options = serverNodeOptions();
  expect(options).toEqual(["--max-semi-space-size=32"]);
  expect(scripts.start).toBe(`node ${options.join(" ")} src/main.ts serve`);
});
