import { number, plain, table } from "../proof/markdown.ts";
import { chartSvg } from "./chart.ts";
import type { Figure, Machine, Report, Unmeasured } from "./report.ts";
import { joinRuns, type Runs, type SectionOfRun } from "./runs.ts";
import { leftOutText } from "./table.ts";
import { verdictOf, wanted } from "./targets.ts";

/** Below docs/. */
const CHARTS = "benchmarks";

const HEAD = `<!-- Written by scripts/benchmarks-page.ts from the runs in docs/benchmarks/*.json. Do not edit. -->

# Benchmarks

One machine runs everything: the load, the servers, an embedded PostgreSQL with its default durability. What is compared was measured in the same run, in turn, and the first round of each is thrown away, so that a machine that slows down slows all of them alike. **The ratios are what counts**: absolute figures drift by a factor of two on shared machines. Each figure is the median of its rounds, between the worst and the best of them.

\`\`\`sh
npm run bench              # some minutes, on this machine
npm run bench:peers        # installs what others made, and measures it alone
npm run bench:ghz          # the same calls by ghz, where there is a Go toolchain
\`\`\`
`;

/** The pages and pictures of runs, by their paths below docs/. `limits` is what people wrote about missed targets. */
export function benchmarksPages(reports: readonly Report[], limits: string): ReadonlyMap<string, string> {
  const pages = new Map<string, string>();
  const runs = joinRuns(reports);
  for (const chart of runs.sections.flatMap(({ section }) => section.charts ?? [])) {
    const path = `${CHARTS}/${chart.id}.svg`;
    if (pages.has(path)) throw new Error(`two charts are called ${chart.id}`);
    pages.set(path, chartSvg(chart));
  }
  const parts = [
    HEAD.trim(),
    `## ${runs.runs.length === 1 ? "The run" : "The runs"}\n\n${runsOf(runs)}`,
    `## What must hold\n\n${targetsOf(runs)}`,
    ...(limits.trim() === "" ? [] : [`## What stops a figure\n\n${limits.trim()}`]),
    ...runs.sections.map((section) => sectionOf(section, runs)),
  ];
  return pages.set("benchmarks.md", `${parts.join("\n\n")}\n`);
}

function runsOf({ runs }: Runs): string {
  const names: Record<keyof Machine, string> = {
    ...{ cpu: "Processor", cores: "Cores", memoryGiB: "Memory, GiB", platform: "System", kernel: "Kernel" },
    ...{ loadAtStart: "Load average at first", loadAtEnd: "Load average at last", fdatasyncMs: "fdatasync, ms" },
    ...{ node: "Node", postgres: "PostgreSQL", postgresSettings: "Its settings", commit: "Commit" },
  };
  const rows = (Object.keys(names) as (keyof Machine)[]).map((key) => [
    names[key],
    ...runs.map(({ machine }) => cellOf(machine[key])),
  ]);
  const numbers = runs.length === 1 ? [""] : runs.map((_, i) => `Run ${i + 1}`);
  const facts = table(["", ...numbers], [["Started", ...runs.map(startOf)], ...rows], [false]);
  const leftOut = runs.flatMap((run) => (run.leftOut === undefined ? [] : [leftOutText(run.leftOut)]));
  const failures = runs.flatMap(({ failed = [] }) =>
    failed.map(({ id, why }) => `**Failed: ${plain(id)}**: ${plain(why.replaceAll(/\s+/g, " ").trim())}`),
  );
  return [facts, ...leftOut, ...failures].join("\n\n");
}

function startOf({ startedAt, seconds, rounds, full }: Report): string {
  const at = startedAt.slice(0, 16).replace("T", " ");
  return `${at} UTC, ${(seconds / 60).toFixed(1)} minutes, ${rounds} rounds${full ? ", `--full`" : ""}`;
}

const cellOf = (fact: string | number) => (typeof fact === "number" ? number(fact) : plain(fact));

/** Every target, with the sections that say more, and after them those that have no figure. */
function targetsOf({ sections, unmeasured }: Runs): string {
  const rows = sections.flatMap(({ section }) =>
    section.figures.flatMap((figure) => {
      const { target, what, unit, spread } = figure;
      if (target === undefined || verdictOf(figure) === "NOT MEASURED") return [];
      const link = `[${plain(section.title)}](#${anchor(section.title)})`;
      return [[link, plain(what), `${number(spread.median)} ${unit}`, wanted(target), verdict(figure)]];
    }),
  );
  const all = [...rows, ...unmeasured.map(unmeasuredRow)];
  if (all.length === 0) return "Nothing was measured that has a target.";
  const met = rows.filter((row) => row.at(-1) === "met").length;
  const without = unmeasured.length === 0 ? "" : `, ${unmeasured.length} not measured`;
  const said = `Targets that are met: ${met} of ${all.length}${without}.`;
  return `${said}\n\n${table(["", "what", "median", "target", ""], all, [false, false, true, true, false])}`;
}

function unmeasuredRow({ id, what, target, why }: Unmeasured): readonly string[] {
  return [plain(id.split("/")[0] ?? ""), plain(what), "–", wanted(target), `**NOT MEASURED**: ${plain(why)}`];
}

function sectionOf({ section: { title, how, figures, charts = [] }, run }: SectionOfRun, { runs }: Runs): string {
  const told = runs.length === 1 ? [] : [`Run ${run}.`];
  const pictures = charts.map((chart) => `![${plain(chart.title)}](${CHARTS}/${chart.id}.svg)`);
  const parts = [
    `## ${plain(title)}`,
    ...told,
    how.trim(),
    ...pictures,
    ...(figures.length === 0 ? [] : [figuresOf(figures)]),
  ];
  return parts.join("\n\n");
}

function figuresOf(figures: readonly Figure[]): string {
  const targets = figures.some(({ target }) => target !== undefined);
  const rows = figures.map((figure) => {
    const { what, unit, spread, target } = figure;
    const values = [spread.min, spread.median, spread.max].map(number);
    return [plain(what), ...values, unit, ...(targets ? [target ? wanted(target) : "", verdict(figure)] : [])];
  });
  const names = ["", "min", "median", "max", "unit", ...(targets ? ["target", ""] : [])];
  return table(names, rows, [false, true, true, true, false, true, false]);
}

function verdict(figure: Figure): string {
  const said = verdictOf(figure) ?? "";
  return said === "" || said === "met" ? said : `**${said}**`;
}

/** As GitHub makes it of a heading. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s-]/gu, "")
    .replaceAll(/\s/g, "-");
}
