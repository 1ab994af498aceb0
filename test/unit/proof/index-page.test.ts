import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { proofFiles } from "../../../scripts/proof-page.ts";
import { REPORT } from "./faults/outcomes.ts";

let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-proof-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

const made = () => proofFiles(pathToFileURL(`${directory}/`));
const write = (name: string, report: unknown) => writeFileSync(join(directory, name), JSON.stringify(report));

const MUTANTS = { date: "2026-01-03", commit: "89abcde", node: "v24.21.0", seconds: 61, mutants: [] };

test("where there is no report there are no pages", () => {
  expect(made().size).toBe(0);
  write("stranger.json", {});
  expect(made().size).toBe(0);
});

test("each report makes its page, and the index names them in one order", () => {
  write("mutants.json", MUTANTS);
  write("faults-full.json", REPORT);
  expect([...made().keys()]).toEqual(["faults.md", "mutants.md", "README.md"]);
});

test("the index says what was found, when, with which versions and seeds, and how to make each page again", () => {
  write("mutants.json", MUTANTS);
  write("faults-1.json", REPORT);
  write("faults-2.json", { ...REPORT, startedAt: "2026-01-04T00:00:00.000Z", seed: 8, rows: [] });
  const index = made().get("README.md");
  expect(index).toContain(
    "| 1 of 2 rows hold, with 7,352 calls; of 1 controls 1 fail, as they must; 2 were not run. |",
  );
  expect(index).toContain("| [Faults](faults.md) | 2026-01-02 | 0123456 | 24.12.0 | 18.4 | 7 |");
  expect(index).toContain("| [Faults](faults.md) | 2026-01-04 | 0123456 | 24.12.0 | 18.4 | 8 |");
  expect(index).toContain("| [Mutants](mutants.md) | 2026-01-03 | 89abcde | 24.21.0 | – | – |");
  expect(index).toContain("\nnpm run proof:mutants -- --out docs/proof/mutants.json && node scripts/proof-page.ts\n");
});
