import type { Entry } from "../index-page.ts";
import { count, number, plain, table } from "../markdown.ts";
import { type RaceReport, type Report, racesTable } from "./report.ts";

const HEAD = `<!-- Written by scripts/proof-page.ts from docs/proof/races.json. Do not edit. -->

# Races

Two servers of one Postgres are let go at the same record at the same time, again and again. What each was told, and what is left, must be right in some order of the two; each order of events that there is has its own count, and must have come about often enough.

\`\`\`sh
npm run proof:races                               # fewer trials, in some minutes
npm run proof:races -- --full --controls          # all of this page
npm run proof:races -- --only wait-complete       # one race of it
\`\`\`

How a trial is judged, and what is forced: [proof/races/README.md](../../proof/races/README.md).
`;

export function racesPage(report: Report): string {
  const { races } = report;
  const wrong = races.flatMap(({ name, spoilt, examples }) =>
    [...spoilt.map((why) => `not exercised: ${why}`), ...examples].map((what) => `**${name}**: ${plain(what)}`),
  );
  const parts = [
    HEAD.trim(),
    `## The run\n\n${foundOf(report)} Commit ${report.commit}.\n\n${racesTable(report).trim()}`,
    ...wrong,
    `## What must hold\n\n${table(
      ["", "whoever wins"],
      mapped(races, ({ what }) => [[plain(what)]]),
    )}`,
    `## Figures\n\n${figuresOf(races)}`,
    `## Controls\n\n${controlsOf(races)}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

export function racesEntry(report: Report): Entry {
  const { startTime, commit, node, postgres, seed } = report;
  return {
    ...{ page: "races.md", title: "Races", found: foundOf(report) },
    about: "Two servers race for the same record, in every order of events that there is.",
    command: "npm run proof:races -- --full --controls --out docs/proof/races.json",
    runs: [{ started: startTime, commit, node, postgres, seed }],
  };
}

function foundOf({ races }: Report): string {
  const sum = (of: (race: RaceReport) => number) => races.reduce((total, race) => total + of(race), 0);
  const held = races.filter(({ verdict }) => verdict === "held").length;
  const controls = races.flatMap((race) => race.controls);
  const killed = controls.filter(({ killedBy }) => killedBy !== null).length;
  const judged = `${count(sum(({ violations }) => violations))} violations in ${count(sum(({ trials }) => trials))} trials`;
  const controlled =
    controls.length === 0 ? "no control was run" : `${killed} of ${controls.length} controls found out`;
  return `${held} of ${races.length} races held, with ${judged}; ${controlled}.`;
}

function mapped(
  races: readonly RaceReport[],
  rowsOf: (race: RaceReport) => readonly (readonly string[])[],
): readonly (readonly string[])[] {
  return races.flatMap((race) => rowsOf(race).map((cells) => [`\`${race.name}\``, ...cells]));
}

function figuresOf(races: readonly RaceReport[]): string {
  const rows = mapped(races, ({ figures }) =>
    Object.entries(figures).map(([name, value]) => [plain(name), number(value)]),
  );
  return table(["", "figure", ""], rows, [false, false, true]);
}

function controlsOf(races: readonly RaceReport[]): string {
  const intro = "A race proves something only if it can be lost: with one thing taken out, it has to find a violation.";
  const rows = mapped(races, ({ controls }) =>
    controls.map(({ name, what, trials, killedBy }) => {
      return [plain(name), plain(what), count(trials), killedBy === null ? "**LIVES**" : plain(killedBy)];
    }),
  );
  if (rows.length === 0) return `${intro} None was run.`;
  return `${intro}\n\n${table(["", "control", "", "trials", "what it found"], rows, [false, false, false, true])}`;
}
