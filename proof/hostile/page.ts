import type { Entry } from "../index-page.ts";
import { count, number, plain, table } from "../markdown.ts";
import { type PartReport, percent } from "./measure.ts";
import type { HostileReport } from "./run.ts";

const HEAD = `<!-- Written by scripts/proof-page.ts from docs/proof/hostile.json. Do not edit. -->

# Hostile input

What nobody should send is sent to a real server, while an honest client claims, ends and replays beside it on three ways.

\`\`\`sh
npm run proof:hostile                             # 10 s for each part
npm run proof:hostile -- --seconds 60             # longer
npm run proof:hostile -- --only gzip-bombs        # one line of this page
\`\`\`

What is sent, and what must hold: [proof/hostile/README.md](../../proof/hostile/README.md).
`;

export function hostilePage(report: HostileReport): string {
  const { parts, rss, seed, date, commit, node } = report;
  const facts = `${date.slice(0, 10)}, commit ${commit}, Node ${node.replace(/^v/, "")}, seed ${seed}`;
  const memory = `The server had ${number(rss.start)} MiB before all of it, and ${number(rss.end)} after`;
  const sections = [
    HEAD.trim(),
    `## The run\n\n${facts}. ${foundOf(report)} ${memory}.`,
    `## Part by part\n\n${partsOf(parts)}`,
    ...parts.flatMap(wrongOf),
    `## What the server did\n\n${table(["", ""], parts.map(outcomesOf))}`,
  ];
  return `${sections.join("\n\n")}\n`;
}

export function hostileEntry(report: HostileReport): Entry {
  const { date, commit, node, seed } = report;
  return {
    ...{ page: "hostile.md", title: "Hostile input", found: foundOf(report) },
    about: "Malformed messages of every method, and attacks on connections, beside an honest client.",
    command: "npm run proof:hostile -- --seconds 60 --out docs/proof/hostile.json",
    runs: [{ started: date, commit, node, postgres: null, seed }],
  };
}

function foundOf({ parts }: HostileReport): string {
  const held = parts.filter(({ broken }) => broken.length === 0).length;
  const calls = parts.reduce((sum, { honest }) => sum + honest.calls, 0);
  const failed = parts.reduce((sum, { honest }) => sum + honest.failed, 0);
  return `${held} of ${parts.length} parts kept every bound; ${count(failed)} of ${count(calls)} honest calls failed.`;
}

function partsOf(parts: readonly PartReport[]): string {
  const rows = parts.map(({ name, what, runs, seconds, honest, rss, broken }) => [
    ...[`\`${name}\``, plain(what), count(runs), seconds.toFixed(0)],
    ...[count(honest.calls), percent(honest.calls === 0 ? 1 : 1 - honest.failed / honest.calls)],
    ...[number(honest.p99Ms), number(rss.before), number(rss.peak), number(rss.after), number(rss.mostAfter)],
    broken.length === 0 ? "held" : "**BROKEN**",
  ]);
  const names = ["", "what is sent", "runs", "s", "honest calls", "of them served", "p99, ms"];
  const memory = ["MiB before", "at most", "after", "which may be"];
  return table([...names, ...memory, ""], rows, [false, false, ...[...names.slice(2), ...memory].map(() => true)]);
}

function wrongOf({ name, broken, findings }: PartReport): readonly string[] {
  const others = broken.filter((what) => !findings.some((finding) => finding.what === what));
  return [
    ...others.map((what) => `**${name}**: ${plain(what)}`),
    ...findings.map(({ what, again }) => `**${name}**: ${plain(what)}; again: \`${again}\``),
  ];
}

function outcomesOf({ name, outcomes, warnings }: PartReport): readonly string[] {
  const told = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([what, times]) => `${plain(what)} ${count(times)}`);
  return [`\`${name}\``, [...told(outcomes), ...told(warnings).map((warning) => `warned: ${warning}`)].join(", ")];
}
