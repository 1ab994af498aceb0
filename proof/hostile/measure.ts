import { faultsOf, type ServerFaults, warningsOf } from "./stand/faults.ts";
import type { Honest, HonestShare } from "./stand/honest.ts";
import { atRest, backTo, watchPeak } from "./stand/memory.ts";
import type { Stand } from "./stand/stand.ts";

/** Of honest calls, on each way. */
export const HONEST_SUCCESS_MIN = 0.99;
/** On each way; they take turns, three calls for each record, and beside an attack it is tens. */
export const HONEST_SERVED_PER_SECOND_MIN = 0.5;
/** Of the memory that the server had before. */
export const RSS_GROWTH_MAX = 1.1;
export const SETTLE_MS_MAX = 60_000;
/** More than before anything was sent. What it is made of is said in README.md. */
export const KEPT_MIB_MAX = 100;
/** After attacks that make it unpack. */
export const KEPT_MIB_MAX_UNPACKING = 200;

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
  /** MiB: before anything was sent, before it, at most, at rest after it, and how much that may be. */
  readonly rss: {
    readonly start: number;
    readonly before: number;
    readonly peak: number;
    readonly after: number;
    readonly mostAfter: number;
  };
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
  /** MiB that the server may have more when it is over than before anything was sent to it; see README.md. */
  readonly keptMiBMax: number;
  /** As much of the same, so that what V8 and the allocator keep for it is there when memory is looked at. */
  warm(): Promise<void>;
  body(): Promise<Done>;
  /** Why what was done shows nothing; none: it does. */
  unshown(done: Done): readonly string[];
}

interface MeasureDeps {
  readonly stand: Stand;
  readonly honest: Honest;
  /** Short runs tell nothing of it. */
  readonly judgesMemory: boolean;
  /** MiB of the server after a full collection, before anything was sent to it. */
  readonly startMiB: number;
  /** More than that, for this part and all before it: what one has left behind the next one finds. */
  readonly keptMiBMax: number;
}

export async function measure(
  { stand: { server, collector }, honest, judgesMemory, startMiB, keptMiBMax }: MeasureDeps,
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
  const wantedMiB = Math.min(before.rssMiB * RSS_GROWTH_MAX, startMiB + keptMiBMax);
  const after = await backTo(collector, wantedMiB, judgesMemory ? SETTLE_MS_MAX : 0);
  const faults = await faultsOf(server, { fromLine, fromError });
  const report = {
    ...{ name: part.name, what: part.what, seed: part.seed, seconds, ...done, honest: share, faults },
    rss: {
      start: startMiB,
      before: before.rssMiB,
      peak: most,
      after: after.rssMiB,
      mostAfter: startMiB + keptMiBMax,
    },
    heap: { before: before.heapMiB, after: after.heapMiB },
    warnings: warningsOf(server, fromLine),
  };
  return { ...report, broken: [...part.unshown(done), ...brokenOf(report, judgesMemory)] };
}

export function brokenOf(report: Omit<PartReport, "broken">, judgesMemory: boolean): readonly string[] {
  const { faults, findings, honest, rss, seconds } = report;
  const least = Math.max(1, Math.floor(seconds * HONEST_SERVED_PER_SECOND_MIN));
  const unseen = Object.entries(honest.served).filter(([, served]) => served < least);
  const slow = Object.entries(honest.success).filter(([, share]) => share < HONEST_SUCCESS_MIN);
  const grown = rss.after / rss.before;
  return [
    ...(faults.exit === null ? [] : [`the server has ended: ${faults.exit}`]),
    ...faults.bugs.map((bug) => `calls ended as bugs: ${bug}`),
    ...faults.errors.map((error) => `the server has said: ${error}`),
    ...findings.map(({ what }) => what),
    ...unseen.map(([way, served]) => `only ${served} honest calls over ${way} succeeded; at least ${least} must`),
    ...slow.map(([way, share]) => `of the honest calls over ${way} ${percent(share)} succeeded`),
    ...(judgesMemory && grown > RSS_GROWTH_MAX
      ? [`memory is ${percent(grown)} of what it was, ${SETTLE_MS_MAX / 1000} s after`]
      : []),
    ...(judgesMemory && rss.after > rss.mostAfter ? [keptText(rss)] : []),
  ];
}

/** Of the server that has met all of it. */
export function brokenAtTheEnd({ parts, rss }: AtTheEnd): readonly string[] {
  const mostAfter = Math.max(...parts.map((part) => part.rss.mostAfter));
  return rss.end > mostAfter ? [keptText({ start: rss.start, after: rss.end, mostAfter })] : [];
}

interface AtTheEnd {
  readonly parts: readonly PartReport[];
  readonly rss: { readonly start: number; readonly end: number };
}

function keptText({ start, after, mostAfter }: Pick<PartReport["rss"], "start" | "after" | "mostAfter">): string {
  const [kept, most] = [after - start, mostAfter - start].map((mib) => `${mib.toFixed(0)} MiB`);
  return `the server has ${kept} more than before anything was sent to it, and may have ${most} more`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
