import type { Entry } from "../index-page.ts";
import { count, number, plain, table } from "../markdown.ts";
import {
  isJudged,
  type Judged,
  type Machine,
  type NotRun,
  type Outcome,
  type Report,
  type Versions,
} from "./report.ts";
import { boundText, isHeld } from "./verdict.ts";

const HEAD = `<!-- Written by scripts/proof-page.ts from docs/proof/faults*.json. Do not edit. -->

# Faults

Three servers, their Postgres and the links between them run on one machine, under callers that leave nothing of the contract out. Something bad is done to them. Whatever the callers said and were told is written down, and judged afterwards: by [porcupine](../../proof/history/README.md), which looks for an order of each key's calls that explains every answer, and by seven validators that know nothing of its model. After each fault everything is left alone, and every call that is open has to end.

\`\`\`sh
npm run test:faults                          # the rows that are quick, in some minutes
npm run test:faults -- --full --controls     # all of this page, in hours
npm run test:faults -- --only F01 --full     # one line of it
\`\`\`

How rows are written: [proof/faults/README.md](../../proof/faults/README.md).
`;

/** The page of some runs. Of a row that several have run the latest counts. */
export function faultsPage(reports: readonly Report[]): string {
  const runs = reports.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  const outcomes = latestOf(runs);
  const judged = outcomes.filter(isJudged);
  const others = outcomes.filter((outcome) => !isJudged(outcome)) as readonly NotRun[];
  const parts = [
    HEAD.trim(),
    `## ${runs.length === 1 ? "The run" : "The runs"}\n\n${runsOf(runs)}`,
    `## What was found\n\n${findingsOf(judged)}`,
    `## Row by row\n\n${rowsOf(judged)}`,
    ...(others.length === 0 ? [] : [`## Not run\n\n${notRunOf(others)}`]),
    `## Figures\n\n${figuresOf(judged)}`,
    `## Controls\n\n${controlsOf(judged)}`,
    `## How much was judged\n\n${judgementsOf(judged)}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

export function faultsEntry(reports: readonly Report[]): Entry {
  const runs = reports.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  const outcomes = latestOf(runs);
  const judged = outcomes.filter(isJudged);
  const controls = judged.flatMap(({ control }) => (control === null ? [] : [control.kind]));
  const [failing, others] = [controls.filter((kind) => kind === "fails").length, outcomes.length - judged.length];
  const controlled = controls.length === 0 ? "" : `; of ${controls.length} controls ${failing} fail, as they must`;
  return {
    ...{ page: "faults.md", title: "Faults" },
    about:
      "Servers, database and network are killed, stopped, cut off and set back, under load; every answer is judged.",
    command: "npm run test:faults -- --full --controls --out docs/proof/faults.json",
    found: `${heldOf(judged)}${controlled}${others === 0 ? "" : `; ${others} were not run`}.`,
    runs: runs.map(({ startedAt, versions, seed }) => ({ started: startedAt, ...versions, seed })),
  };
}

function heldOf(rows: readonly Judged[]): string {
  const calls = rows.reduce((total, row) => total + row.calls, 0);
  return `${rows.filter(({ kind }) => kind === "holds").length} of ${rows.length} rows hold, with ${count(calls)} calls`;
}

function latestOf(runs: readonly Report[]): readonly Outcome[] {
  const byId = new Map(runs.flatMap(({ rows }) => rows.map((row) => [row.id, row] as const)));
  return [...byId.values()].toSorted((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
}

const FACTS: readonly (readonly [string, (run: Report) => string | number])[] = [
  ["Started", ({ startedAt }) => `${startedAt.slice(0, 16).replace("T", " ")} UTC`],
  ["Took", ({ seconds }) => `${(seconds / 60).toFixed(1)} minutes`],
  ["Form", ({ full }) => (full ? "--full" : "short")],
  ["Seed", ({ seed }) => seed],
  ...facts<keyof Versions>(
    { commit: "Commit", node: "Node", postgres: "PostgreSQL", porcupine: "porcupine" },
    (run, key) => run.versions[key] ?? "did not run: no Go",
  ),
  ...facts<keyof Machine>(
    { cpu: "Processor", cores: "Cores", memoryGiB: "Memory, GiB", platform: "System", kernel: "Kernel" },
    (run, key) => run.machine[key],
  ),
];

function facts<Key extends string>(
  names: Readonly<Record<Key, string>>,
  of: (run: Report, key: Key) => string | number,
) {
  return (Object.keys(names) as Key[]).map((key) => [names[key], (run: Report) => of(run, key)] as const);
}

function runsOf(runs: readonly Report[]): string {
  const numbers = runs.length === 1 ? [""] : runs.map((_, i) => `Run ${i + 1}`);
  return table(
    ["", ...numbers],
    FACTS.map(([name, of]) => [name, ...runs.map((run) => plain(String(of(run))))]),
  );
}

/** What a reader wants to know first, over all rows. */
function findingsOf(rows: readonly Judged[]): string {
  const sum = (of: (row: Judged) => number) => rows.reduce((total, row) => total + of(row), 0);
  const by = (...ids: readonly string[]) => {
    const over = (name: "judged" | "violations") =>
      sum(({ told, validators }) =>
        ids.reduce((total, id) => total + (told.includes(id) ? 0 : (validators[id]?.[name] ?? 0)), 0),
      );
    return { judged: over("judged"), violations: over("violations") };
  };
  const line = (what: string, { judged, violations }: ReturnType<typeof by>) => [
    what,
    count(violations),
    count(judged),
  ];
  const ordered = rows.filter(({ told, porcupine }) => porcupine !== null && !told.includes("porcupine"));
  const keys = ordered.reduce((total, { keys }) => total + keys, 0);
  const unordered = ordered.reduce((total, { porcupine }) => {
    return total + (porcupine?.violations ?? 0) + (porcupine?.undecided ?? 0);
  }, 0);
  const told = rows.filter(({ told }) => told.length > 0).map(({ id }) => id);
  return [
    `${heldOf(rows)}.`,
    table(
      ["", "found", "of"],
      [
        line("two winners: one fence for two leases, or two results accepted", by("V1", "V2")),
        line("acknowledged results lost, or replayed otherwise", by("V3", "V4", "V7")),
        line("wake-ups missed", by("V5")),
        line("answers with another tenant's contents", by("V6")),
        line("keys whose calls fit no order", { violations: unordered, judged: keys }),
      ],
      [false, true, true],
    ),
    ...(told.length === 0
      ? []
      : [`Not in it is what ${told.join(", ")} loses, where nothing else is promised: see its figures.`]),
  ].join("\n\n");
}

function rowsOf(rows: readonly Judged[]): string {
  const wrong = rows.flatMap(({ id, faults }) => faults.map((fault) => `**${id}**: ${plain(fault)}`));
  const lines = rows.map((row) => [
    ...[row.id, plain(row.fault), count(row.times), count(row.seed), count(row.calls), row.unknownPercent.toFixed(2)],
    ...[count(row.keys), row.porcupine === null ? "–" : count(row.porcupine.ms)],
    row.kind === "holds" ? "holds" : "**VIOLATED**",
  ]);
  const names = ["", "what is done", "times", "seed", "calls", "unknown, %", "keys", "porcupine, ms", ""];
  return [table(names, lines, [false, false, true, true, true, true, true, true, false]), ...wrong].join("\n\n");
}

function notRunOf(rows: readonly NotRun[]): string {
  return table(
    ["", "what would be done", ""],
    rows.map(({ id, fault, kind, why }) => {
      const [first = ""] = why.split("\n");
      return [id, plain(fault), `${kind === "left-out" ? "left out" : "**could not run**"}: ${plain(first)}`];
    }),
  );
}

function figuresOf(rows: readonly Judged[]): string {
  const lines = rows.flatMap(({ id, figures }) =>
    figures.map((figure) => {
      const said = figure.must === undefined ? "" : isHeld(figure) ? "met" : "**MISSED**";
      return [id, plain(figure.name), number(figure.value), figure.unit, boundText({ ...figure, unit: "" }), said];
    }),
  );
  return table(["", "figure", "", "unit", "must be", ""], lines, [false, false, true, false, false, false]);
}

function controlsOf(rows: readonly Judged[]): string {
  const lines = rows.flatMap(({ id, control }) => {
    if (control === null) return [];
    const said = {
      fails: "fails, as it must",
      holds: "**HOLDS, AND MUST NOT**",
      "left-out": "left out",
      broken: "**could not run**",
    };
    return [[id, plain(control.what), said[control.kind], plain(control.why.split("\n")[0] ?? "")]];
  });
  const intro = "A row proves something only if it can fail: run again with one thing taken out, it has to.";
  return lines.length === 0 ? `${intro} None was run.` : `${intro}\n\n${table(["", "taken out", "", "by"], lines)}`;
}

function judgementsOf(rows: readonly Judged[]): string {
  const ids = [...new Set(rows.flatMap(({ validators }) => Object.keys(validators)))].toSorted();
  const lines = rows.map(({ id, validators }) => [id, ...ids.map((each) => count(validators[each]?.judged ?? 0))]);
  return table(["", ...ids], lines, [false, ...ids.map(() => true)]);
}
