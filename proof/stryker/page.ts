import type { Entry } from "../index-page.ts";
import { count, plain, table } from "../markdown.ts";
import { type Report, type Score, type Survivor, summaryOf, totalOf } from "./report.ts";

const HEAD = `<!-- Written by scripts/proof-page.ts from docs/proof/stryker.json. Do not edit. -->

# Operators

Every operator, condition, literal and block of what decides, and of what carries records to Postgres and back, is changed in a copy of the tree, one at a time. The unit tests that go through it must notice.

\`\`\`sh
npm run proof:stryker                                   # all of this page
npm run proof:stryker -- --only src/domain/key.ts       # one line of it
\`\`\`

How it works: [proof/stryker/README.md](../../proof/stryker/README.md).
`;

export function strykerPage(report: Report): string {
  const { startedAt, seconds, commit, node, files, survivors, equivalents } = report;
  const run = `${startedAt.slice(0, 10)}, commit ${commit}, Node ${node.replace(/^v/, "")}, ${(seconds / 60).toFixed(1)} minutes`;
  const parts = [
    HEAD.trim(),
    `## The run\n\n${run}: ${summaryOf(report)}.`,
    `## File by file\n\n${scoreTable(files)}`,
    ...(survivors.length === 0 ? [] : [`## What survived\n\n${survivorTable(survivors)}`]),
    ...(equivalents.length === 0 ? [] : [`## What makes no difference\n\n${equivalentTable(equivalents)}`]),
  ];
  return `${parts.join("\n\n")}\n`;
}

export function strykerEntry(report: Report): Entry {
  const { startedAt, commit, node } = report;
  const found = summaryOf(report);
  return {
    ...{ page: "stryker.md", title: "Operators", found: `${found[0]?.toUpperCase()}${found.slice(1)}.` },
    about: "Each operator, condition and literal of what decides is changed: the unit tests notice.",
    command: "npm run proof:stryker -- --out docs/proof/stryker.json",
    runs: [{ started: startedAt, commit, node, postgres: null, seed: null }],
  };
}

/** A line for each file, and one for all of them. */
export function scoreTable(files: readonly Score[]): string {
  const names = ["file", "changes", "killed", "came to no end", "equivalent", "survived"];
  const cells = (name: string, { mutants, killed, timeouts, equivalent, survived }: Omit<Score, "file">) => [
    name,
    ...[mutants, killed, timeouts, equivalent, survived].map(count),
  ];
  const rows = [...files.map((score) => cells(score.file, score)), cells("**all**", totalOf(files))];
  return table(names, rows, [false, true, true, true, true, true]);
}

function survivorTable(survivors: readonly Survivor[]): string {
  return table(
    ["where", "what", ""],
    survivors.map(({ file, line, what, isReached }) => [
      ...[`${file}:${line}`, plain(what), isReached ? "" : "no test goes through it"],
    ]),
  );
}

function equivalentTable(equivalents: Report["equivalents"]): string {
  return table(
    ["where", "what", "why"],
    equivalents.map(({ file, line, changes, why }) => [
      `${file}: ${plain(line)}`,
      changes.map(plain).join("<br>"),
      plain(why),
    ]),
  );
}
