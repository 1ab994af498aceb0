import { basename } from "node:path";
import type { Entry } from "../index-page.ts";
import { plain, table } from "../markdown.ts";
import type { Layer } from "./mutant.ts";
import { type CheckReport, type MutantReport, type Report, summaryOf } from "./report.ts";

const HEAD = `<!-- Written by scripts/proof-page.ts from docs/proof/mutants.json. Do not edit. -->

# Mutants

What the promises hang on is taken out of a copy of the service, one at a time. Each time the checks that are named must fail, which pass where nothing is taken out.

\`\`\`sh
npm run proof:mutants                             # all of this page
npm run proof:mutants -- --only M3                # one line of it
\`\`\`

How they are written: [proof/mutants/README.md](../../proof/mutants/README.md).
`;

const LAYERS: readonly (readonly [Layer, string])[] = [
  ["unit", "one part by itself"],
  ["store", "the statements, on Postgres"],
  ["race", "sessions or processes that meet"],
  ["simulation", "seeds of the simulation, until one fails"],
  ["crash", "the database dies"],
  ["process", "whole servers, by what they answer"],
];

export function mutantsPage(report: Report): string {
  const { mutants, date, commit, node } = report;
  const used = LAYERS.filter(([layer]) => mutants.some(({ checks }) => checks.some((check) => check.layer === layer)));
  const parts = [
    HEAD.trim(),
    `## The run\n\n${date}, commit ${commit}, Node ${node.replace(/^v/, "")}. ${summaryOf(report)}.`,
    `## What kills what\n\nKinds of checks: ${used.map(([layer, what]) => `*${layer}*, ${what}`).join("; ")}.`,
    table(
      ["", "what it does", ...used.map(([layer]) => layer)],
      mutants.map((mutant) => [
        ...[mutant.id, plain(mutant.name)],
        ...used.map(([layer]) => verdictsOf(mutant.checks.filter((check) => check.layer === layer))),
      ]),
    ),
    `## Check by check\n\n${table(["", "", "check", "s", "what it said"], mutants.flatMap(linesOf), [false, false, false, true])}`,
    ...notesOf(mutants),
  ];
  return `${parts.join("\n\n")}\n`;
}

export function mutantsEntry(report: Report): Entry {
  const { date, commit, node } = report;
  return {
    ...{ page: "mutants.md", title: "Mutants", found: `${summaryOf(report)}.` },
    about: "What the promises hang on is taken out, one thing at a time: the checks find out.",
    command: "npm run proof:mutants -- --out docs/proof/mutants.json",
    runs: [{ started: date, commit, node, postgres: null, seed: null }],
  };
}

const VERDICTS = { killed: "killed", survived: "**SURVIVED**", unproved: "**NOT PROVED**" } as const;

/** Of the checks of one kind. */
function verdictsOf(checks: readonly CheckReport[]): string {
  const verdicts = checks.map(({ verdict }) => VERDICTS[verdict]);
  return [...new Set(verdicts)]
    .map((verdict) => {
      const times = verdicts.filter((each) => each === verdict).length;
      return times === 1 ? verdict : `${verdict} ×${times}`;
    })
    .join(", ");
}

function linesOf({ id, checks }: MutantReport): readonly (readonly string[])[] {
  if (checks.length === 0) return [[id, "**NO CHECK**", "", "", ""]];
  return checks.map((check) => {
    const said = check.verdict === "survived" ? "" : plain(check.why.split("\n")[0] ?? "");
    return [id, VERDICTS[check.verdict], nameOf(check), (check.ms / 1000).toFixed(1), said];
  });
}

/** A test by its file and name, anything else by its command. */
function nameOf(check: CheckReport): string {
  const file = /\btest\/\S+\.test\.ts\b/.exec(check.command)?.[0];
  if (file === undefined) return `\`${check.command}\``;
  const link = `[${basename(file, ".test.ts")}](../../${file})`;
  return check.verdict === "killed" ? `${link}: ${plain(check.by)}` : link;
}

function notesOf(mutants: readonly MutantReport[]): readonly string[] {
  const notes = mutants.flatMap(({ id, note }) => (note === null ? [] : [`* **${id}**: ${plain(note)}`]));
  return notes.length === 0 ? [] : [`## Notes\n\n${notes.join("\n")}`];
}
