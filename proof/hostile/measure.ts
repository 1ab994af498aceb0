import { faultsOf, type ServerFaults, warningsOf } from "./stand/faults.ts";
import type { Honest, HonestShare } from "./stand/honest.ts";
import { atRest, backTo, watchPeak } from "./stand/memory.ts";
import type { Stand } from "./stand/stand.ts";

/** Of honest calls, on each way. */
export const HONEST_SUCCESS_MIN = 0.99;
/** Of the memory that the server had before. */
export const RSS_GROWTH_MAX = 1.1;
export const SETTLE_MS_MAX = 60_000;

/** An input for which a bound did not hold, and how to send it again. */
export interface Finding {
  readonly what: string;
  readonly input: string | null;
  readonly again: string;
}

/** What one part of it did, and what came of it. */
export interface PartReport {
  readonly name: string;
  readonly what: string;
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  /** What the server did with it, counted. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** MiB: before, at most, and at rest after it. */
  readonly rss: { readonly before: number; readonly peak: number; readonly after: number };
  /** MiB of it that were in use. */
  readonly heap: { readonly before: number; readonly after: number };
  readonly honest: HonestShare;
  readonly warnings: Readonly<Record<string, number>>;
  readonly faults: ServerFaults;
  readonly findings: readonly Finding[];
  /** Bounds that did not hold; empty: all did. */
  readonly broken: readonly string[];
}

/** What a part did. */
export interface Done {
  readonly runs: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

export interface Part {
  readonly name: string;
  readonly what: string;
  readonly seed: number;
  /** As much of the same, so that what V8 and the allocator keep for it is there when memory is looked at. */
  warm(): Promise<void>;
  body(): Promise<Done>;
}

/** @param judgesMemory short runs tell nothing of it */
export async function measure(
  { stand: { server, collector }, honest, judgesMemory }: { stand: Stand; honest: Honest; judgesMemory: boolean },
  part: Part,
): Promise<PartReport> {
  const fromLine = server.lines.length;
  const fromError = server.stderr().length;
  if (judgesMemory) await part.warm();
  const before = judgesMemory ? await atRest(collector, SETTLE_MS_MAX) : await collector.collect();
  const peak = watchPeak(server.pid);
  await honest.ask();
  const startMs = performance.now();
  const done = await part.body();
  const seconds = (performance.now() - startMs) / 1000;
  const share = await honest.ask();
  const most = await peak.stop();
  const wantedMiB = before.rssMiB * RSS_GROWTH_MAX;
  const after = await backTo(collector, wantedMiB, judgesMemory ? SETTLE_MS_MAX : 0);
  const faults = await faultsOf(server, { fromLine, fromError });
  const report = {
    ...{ name: part.name, what: part.what, seed: part.seed, seconds, ...done, honest: share, faults },
    rss: { before: before.rssMiB, peak: most, after: after.rssMiB },
    heap: { before: before.heapMiB, after: after.heapMiB },
    warnings: warningsOf(server, fromLine),
  };
  return { ...report, broken: brokenOf(report, judgesMemory) };
}

function brokenOf(report: Omit<PartReport, "broken">, judgesMemory: boolean): readonly string[] {
  const { faults, findings, honest, rss } = report;
  const slow = Object.entries(honest.success).filter(([, share]) => share < HONEST_SUCCESS_MIN);
  const grown = rss.after / rss.before;
  return [
    ...(faults.exit === null ? [] : [`the server has ended: ${faults.exit}`]),
    ...faults.bugs.map((bug) => `calls ended as bugs: ${bug}`),
    ...faults.errors.map((error) => `the server has said: ${error}`),
    ...findings.map(({ what }) => what),
    ...slow.map(([way, share]) => `of the honest calls over ${way} ${percent(share)} succeeded`),
    ...(judgesMemory && grown > RSS_GROWTH_MAX
      ? [`memory is ${percent(grown)} of what it was, ${SETTLE_MS_MAX / 1000} s after`]
      : []),
  ];
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
