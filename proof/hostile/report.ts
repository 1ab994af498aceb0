import { brokenAtTheEnd, type PartReport, percent } from "./measure.ts";
import type { HostileReport } from "./run.ts";

/** What a run prints for people: a line for each part, and below it what did not hold. */
export function headOf(): string {
  return line("part", "runs", "seconds", "RSS before", "peak", "after", "at most", "honest", "p99", "");
}

export function linesOf(report: PartReport): string {
  const { name, runs, seconds, rss, honest, broken, outcomes, warnings, findings } = report;
  const share = honest.calls === 0 ? 1 : 1 - honest.failed / honest.calls;
  const mib = (value: number) => `${value.toFixed(0)} MiB`;
  const first = line(
    ...[
      name,
      `${runs}`,
      seconds.toFixed(1),
      mib(rss.before),
      mib(rss.peak),
      mib(rss.after),
      mib(rss.mostAfter),
      percent(share),
    ],
    ...[`${honest.p99Ms.toFixed(0)} ms`, broken.length === 0 ? "held" : "BROKEN"],
  );
  return [
    first,
    `  ${countsOf(outcomes)}`,
    ...(Object.keys(warnings).length === 0 ? [] : [`  warned: ${countsOf(warnings)}`]),
    ...broken.map((what) => `  ${what}`),
    ...honest.failures.map((failure) => `  an honest call failed: ${failure}`),
    ...findings.flatMap(({ input, again }) => [...(input === null ? [] : [`  input: ${input}`]), `  again: ${again}`]),
  ].join("\n");
}

export function footOf(report: HostileReport): string {
  const { parts, rss } = report;
  const broken = parts.filter((part) => part.broken.length > 0);
  const memory = `the server had ${rss.start.toFixed(0)} MiB before all of it and ${rss.end.toFixed(0)} after`;
  return `\n${parts.length} parts, ${broken.length} of them broke a bound; ${[memory, ...brokenAtTheEnd(report)].join("\n")}`;
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

function line(...cells: readonly string[]): string {
  const widths = [22, 8, 9, 12, 10, 10, 10, 9, 9];
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(22) : cell.padStart(widths[i] ?? 0)))
    .join(" ")
    .trimEnd();
}
