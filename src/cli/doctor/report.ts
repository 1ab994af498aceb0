import { jsonText, printable } from "../table.ts";
import type { Finding, Level } from "./finding.ts";

/** What was looked at, with what was found there. */
export interface Section {
  /** `main`, a placement's name, or `server`. */
  readonly name: string;
  /** Where it is; without password. */
  readonly description: string;
  readonly findings: readonly Finding[];
}

/** What cannot wait comes first. */
const ORDER: readonly Level[] = ["problem", "warning", "skipped", "ok"];

export function reportText(sections: readonly Section[]): string {
  const blocks = sections.map(({ name, description, findings }) => {
    const checkWidth = Math.max(0, ...findings.map(({ check }) => check.length));
    const levelWidth = Math.max(...ORDER.map((level) => level.length));
    const indent = " ".repeat(2 + levelWidth + 2 + checkWidth + 2);
    const lines = sorted(findings).flatMap(({ check, level, sentence, mend }) => [
      `  ${level.padEnd(levelWidth)}  ${check.padEnd(checkWidth)}  ${printable(sentence)}`,
      ...(mend === null ? [] : [`${indent}${printable(mend)}`]),
    ]);
    return [`${name}: ${printable(description)}`, ...lines, ""].join("\n");
  });
  return `${blocks.join("\n")}\n${verdict(sections)}\n`;
}

export function reportJson(sections: readonly Section[]): string {
  const findings = sections.flatMap((section) =>
    sorted(section.findings).map((finding) => ({ of: section.name, ...finding })),
  );
  return jsonText({ healthy: countOf(sections, "problem") === 0, findings });
}

export function countOf(sections: readonly Section[], level: Level): number {
  return sections.flatMap(({ findings }) => findings).filter((finding) => finding.level === level).length;
}

function sorted(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((one, other) => ORDER.indexOf(one.level) - ORDER.indexOf(other.level));
}

function verdict(sections: readonly Section[]): string {
  const parts = (["problem", "warning"] as const)
    .map((level) => ({ level, count: countOf(sections, level) }))
    .filter(({ count }) => count > 0)
    .map(({ level, count }) => `${count} ${level}${count === 1 ? "" : "s"}`);
  const skipped = countOf(sections, "skipped");
  const left = skipped === 0 ? "" : ` ${skipped} could not be looked at.`;
  return parts.length === 0 ? `No problem was found.${left}` : `${parts.join(" and ")}.${left}`;
}
