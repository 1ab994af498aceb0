// Writes docs/proof/faults.md from docs/proof/faults*.json, files that `npm run test:faults -- --out` writes. A test fails when
// it is not what this would write.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { faultsPage } from "../proof/faults/page.ts";
import type { Report } from "../proof/faults/report.ts";

const DOCS = new URL("../docs/proof/", import.meta.url);

/** By their names below docs/proof/. */
export function proofFiles(): ReadonlyMap<string, string> {
  const names = existsSync(DOCS) ? readdirSync(DOCS).toSorted() : [];
  const reports = names
    .filter((name) => /^faults.*\.json$/.test(name))
    .map((name) => JSON.parse(readFileSync(new URL(name, DOCS), "utf8")) as Report);
  return new Map(reports.length === 0 ? [] : [["faults.md", faultsPage(reports)]]);
}

if (import.meta.main) {
  for (const [name, content] of proofFiles()) writeFileSync(new URL(name, DOCS), content);
}
