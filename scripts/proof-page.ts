// Writes the pages of docs/proof/ and their index from the reports beside them, files that the programs of proof/ write by
// --out. A test fails when they are not what this would write.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { faultsEntry, faultsPage } from "../proof/faults/page.ts";
import type { Report as FaultsReport } from "../proof/faults/report.ts";
import { hostileEntry, hostilePage } from "../proof/hostile/page.ts";
import type { HostileReport } from "../proof/hostile/run.ts";
import { type Entry, indexPage } from "../proof/index-page.ts";
import { mutantsEntry, mutantsPage } from "../proof/mutants/page.ts";
import type { Report as MutantsReport } from "../proof/mutants/report.ts";
import { racesEntry, racesPage } from "../proof/races/page.ts";
import type { Report as RacesReport } from "../proof/races/report.ts";
import { strykerEntry, strykerPage } from "../proof/stryker/page.ts";
import type { Report as StrykerReport } from "../proof/stryker/report.ts";

const DOCS = new URL("../docs/proof/", import.meta.url);

interface Page {
  readonly entry: Entry;
  readonly content: string;
}

/** By their names below `directory`; none where there are no reports. In the order in which the index has them. */
export function proofFiles(directory = DOCS): ReadonlyMap<string, string> {
  const names = existsSync(directory) ? readdirSync(directory).toSorted() : [];
  const read = <Report>(name: string) => JSON.parse(readFileSync(new URL(name, directory), "utf8")) as Report;
  const ofOne = <Report>(name: string, page: (report: Report) => string, entry: (report: Report) => Entry) =>
    names.filter((each) => each === name).map((each) => pageOf(read<Report>(each), page, entry));
  const faults = names.filter((name) => /^faults.*\.json$/.test(name)).map((name) => read<FaultsReport>(name));
  const pages: readonly Page[] = [
    ...(faults.length === 0 ? [] : [pageOf(faults, faultsPage, faultsEntry)]),
    ...ofOne<RacesReport>("races.json", racesPage, racesEntry),
    ...ofOne<MutantsReport>("mutants.json", mutantsPage, mutantsEntry),
    ...ofOne<StrykerReport>("stryker.json", strykerPage, strykerEntry),
    ...ofOne<HostileReport>("hostile.json", hostilePage, hostileEntry),
  ];
  const files = new Map(pages.map(({ entry, content }) => [entry.page, content]));
  return pages.length === 0 ? files : files.set("README.md", indexPage(pages.map(({ entry }) => entry)));
}

function pageOf<Told>(told: Told, page: (told: Told) => string, entry: (told: Told) => Entry): Page {
  return { entry: entry(told), content: page(told) };
}

if (import.meta.main) {
  for (const [name, content] of proofFiles()) writeFileSync(new URL(name, DOCS), content);
}
