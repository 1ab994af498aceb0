// Writes docs/benchmarks.md and its pictures from the runs in docs/benchmarks, files that `npm run bench -- --out` writes, and
// from docs/benchmarks/limits.md. A test fails when they are not what this would write.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { benchmarksPages } from "../bench/page.ts";
import type { Report } from "../bench/report.ts";

const DOCS = new URL("../docs/", import.meta.url);
const RUNS = "benchmarks/";

const read = (path: string) => readFileSync(new URL(path, DOCS), "utf8");

function filesOfRuns(extension: string): readonly string[] {
  const directory = new URL(RUNS, DOCS);
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names.filter((name) => name.endsWith(extension)).map((name) => `${RUNS}${name}`);
}

/** By their paths below docs/. */
export function benchmarksFiles(): ReadonlyMap<string, string> {
  const reports = filesOfRuns(".json").map((path) => JSON.parse(read(path)) as Report);
  return reports.length === 0 ? new Map() : benchmarksPages(reports, filesOfRuns("limits.md").map(read).join(""));
}

/** Pictures of charts that there are no more. */
export function strayPictures(files: ReadonlyMap<string, string>): readonly string[] {
  return filesOfRuns(".svg").filter((path) => !files.has(path));
}

if (import.meta.main) {
  const files = benchmarksFiles();
  for (const path of strayPictures(files)) rmSync(new URL(path, DOCS));
  for (const [path, content] of files) writeFileSync(new URL(path, DOCS), content);
}
