import type { Figure, Report, Section } from "./report.ts";
import { verdictOf, wanted } from "./targets.ts";

const NAME_WIDTH = 72;

/** For people. */
export function tableOf(report: Report): string {
  const { machine, rounds, seconds, sections, leftOut, failed = [], unmeasured = [] } = report;
  const { cpu, cores, memoryGiB, node, postgres, loadAtStart, loadAtEnd, fdatasyncMs, postgresSettings } = machine;
  const head = `${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}, PostgreSQL ${postgres}, ${rounds} rounds, ${seconds} s
Load average ${loadAtStart} at first and ${loadAtEnd} at last; fdatasync ${fdatasyncMs.toFixed(2)} ms; ${postgresSettings}`;
  const end = leftOut === undefined ? "" : `\n${leftOutText(leftOut)}\n`;
  const failures = failed.map(({ id, why }) => `\nFailed: ${id}: ${why}\n`);
  const without = unmeasured.map(
    ({ what, target, why }) => `${what.padEnd(NAME_WIDTH)} NOT MEASURED (${wanted(target)}): ${why}\n`,
  );
  const missing = without.length === 0 ? [] : ["\nTargets without a figure\n", ...without];
  return [`${head}\n`, ...sections.map(sectionText), end, ...failures, ...missing].join("");
}

/** Arms for which there was no time. */
export function leftOutText(leftOut: readonly string[]): string {
  return `Left out, for what they usually take was more than there was left of five minutes: ${leftOut.join(", ")}.`;
}

function sectionText({ id, title, figures }: Section): string {
  const head = `\n${`${title} (${id})`.padEnd(NAME_WIDTH)}${["min", "median", "max"].map((name) => name.padStart(10)).join("")}\n`;
  return head + figures.map((figure) => `${lineOf(figure)}\n`).join("");
}

function lineOf(figure: Figure): string {
  const { what, unit, spread, target } = figure;
  const cell = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 }).padStart(10);
  const cells = `${cell(spread.min)}${cell(spread.median)}${cell(spread.max)}`;
  return `${what.padEnd(NAME_WIDTH)}${cells} ${unit.padEnd(9)}${target === undefined ? "" : `${verdictOf(figure)} (${wanted(target)})`}`.trimEnd();
}

/** Every figure with a target that its median does not meet, by name. */
export function missedOf(sections: readonly Section[]): readonly string[] {
  return sections.flatMap(({ id, figures }) =>
    figures.flatMap((figure) => (verdictOf(figure) === "MISSED" ? [`${id}/${figure.id}`] : [])),
  );
}
