import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "SECURITY.md"), "utf8");

/** Cells of the rows of its tables, but for their heads. */
const rows = page
  .split("\n")
  .filter((line) => /^\| (?!---)/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()));

test("every test that the page names is there", () => {
  const named = [...page.matchAll(/`(?:test\/)?((?:unit|postgres|process|infra)\/[\w./-]+)`/g)].map(([, path]) => path);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((path) => !existsSync(join(root, "test", path ?? "")))).toEqual([]);
});

test("every threat has something that holds it, and a test", () => {
  const threats = rows.filter((cells) => cells.length === 5 && cells[3]?.includes(".test.ts"));
  expect(threats.length).toBeGreaterThan(25);
  const heads = rows.filter(([, first]) => first === "threat");
  expect(heads).toHaveLength(5);
  const untested = rows.filter((cells) => cells.length === 5 && !cells[3]?.includes("test"));
  expect(untested.map(([, first]) => first).filter((first) => !isOfWalls(first ?? ""))).toEqual([]);
});

/** The table of who is beyond which wall has no tests. */
function isOfWalls(first: string): boolean {
  const [, walls = ""] = page.split("## Who is on the other side of which wall");
  return (walls.split("\n## ")[0] ?? "").includes(`| ${first} |`);
}
