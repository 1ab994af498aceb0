// Writes docs/benchmarks.md and its pictures from docs/benchmarks/report.json, which `npm run bench -- --json` prints, and
// from docs/benchmarks/limits.md. A test fails when they are not what this would write.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { benchmarksPages } from "../bench/page.ts";
import type { Report } from "../bench/report.ts";

const DOCS = new URL("../docs/", import.meta.url);
const read = (path: string) => (existsSync(new URL(path, DOCS)) ? readFileSync(new URL(path, DOCS), "utf8") : "");

/** By their paths below docs/. */
export function benchmarksFiles(): ReadonlyMap<string, string> {
  const report = read("benchmarks/report.json");
  return report === "" ? new Map() : benchmarksPages(JSON.parse(report) as Report, read("benchmarks/limits.md"));
}

/** Pictures of charts that there are no more. */
export function strayPictures(files: ReadonlyMap<string, string>): readonly string[] {
  const directory = new URL("benchmarks/", DOCS);
  const there = existsSync(directory) ? readdirSync(directory) : [];
  return there
    .filter((name) => name.endsWith(".svg"))
    .map((name) => `benchmarks/${name}`)
    .filter((path) => !files.has(path));
}

if (import.meta.main) {
  const files = benchmarksFiles();
  for (const path of strayPictures(files)) rmSync(new URL(path, DOCS));
  for (const [path, content] of files) writeFileSync(new URL(path, DOCS), content);
}
