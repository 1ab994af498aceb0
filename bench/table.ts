import type { Figure, Report, Section } from "./report.ts";
import { isMet, wanted } from "./targets.ts";

const NAME_WIDTH = 72;

/** For people. */
export function tableOf({ machine, rounds, seconds, sections, leftOut, failed = [] }: Report): string {
  const { cpu, cores, memoryGiB, node, postgres } = machine;
  const head = `${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}, PostgreSQL ${postgres}, ${rounds} rounds, ${seconds} s`;
  const end = leftOut === undefined ? "" : `\nLeft out, for there was no more time: ${leftOut.join(", ")}\n`;
  const failures = failed.map(({ id, why }) => `\nFailed: ${id}: ${why}\n`);
  return [`${head}\n`, ...sections.map(sectionText), end, ...failures].join("");
}

function sectionText({ id, title, figures }: Section): string {
  const head = `\n${`${title} (${id})`.padEnd(NAME_WIDTH)}${["min", "median", "max"].map((name) => name.padStart(10)).join("")}\n`;
  return head + figures.map((figure) => `${lineOf(figure)}\n`).join("");
}

function lineOf({ what, unit, spread, target }: Figure): string {
  const cell = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 }).padStart(10);
  const cells = `${cell(spread.min)}${cell(spread.median)}${cell(spread.max)}`;
  return `${what.padEnd(NAME_WIDTH)}${cells} ${unit.padEnd(9)}${target === undefined ? "" : `${isMet(spread.median, target) ? "met" : "MISSED"} (${wanted(target)})`}`.trimEnd();
}

/** Every figure with a target that its median does not meet, by name. */
export function missedOf(sections: readonly Section[]): readonly string[] {
  return sections.flatMap(({ id, figures }) =>
    figures.flatMap((figure) =>
      figure.target === undefined || isMet(figure.spread.median, figure.target) ? [] : [`${id}/${figure.id}`],
    ),
  );
}
