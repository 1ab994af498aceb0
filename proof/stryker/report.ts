import type { Equivalent } from "./equivalents.ts";
import type { Judged } from "./run.ts";

/** What docs/proof/stryker.json holds. */
export interface Report {
  readonly startedAt: string;
  readonly seconds: number;
  readonly commit: string;
  readonly node: string;
  readonly files: readonly Score[];
  readonly survivors: readonly Survivor[];
  readonly equivalents: readonly Equivalent[];
}

export interface Score {
  readonly file: string;
  readonly mutants: number;
  readonly killed: number;
  /** With these a test came to no end: it noticed too. */
  readonly timeouts: number;
  readonly equivalent: number;
  /** Those that no test goes through among them. */
  readonly survived: number;
}

export interface Survivor {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly isReached: boolean;
}

/** @param known of any files; those of the judged files have to explain something each, or it throws */
export function scoresOf(
  judged: readonly Judged[],
  known: readonly Equivalent[],
): Pick<Report, "files" | "survivors" | "equivalents"> {
  const names = new Set(judged.map(({ file }) => file));
  const equivalents = known.filter(({ file }) => names.has(file));
  const alive = judged.filter(({ fate }) => fate === "survived" || fate === "unreached");
  const explained = new Set(equivalents.flatMap((equivalent) => explainedBy(equivalent, alive)));
  const survivors = alive.filter((each) => !explained.has(each));
  const files = [...names].toSorted().map((file): Score => {
    const own = judged.filter((each) => each.file === file);
    const count = (matches: (each: Judged) => boolean) => own.filter(matches).length;
    return {
      ...{ file, mutants: own.length, killed: count(({ fate }) => fate === "killed") },
      timeouts: count(({ fate }) => fate === "endless"),
      equivalent: count((each) => explained.has(each)),
      survived: count((each) => survivors.includes(each)),
    };
  });
  return {
    ...{ files, equivalents },
    survivors: survivors.map(({ file, line, what, fate }) => ({ file, line, what, isReached: fate === "survived" })),
  };
}

function explainedBy({ file, line, changes }: Equivalent, alive: readonly Judged[]): readonly Judged[] {
  return changes.flatMap((what) => {
    const found = alive.filter((each) => each.file === file && each.text === line && each.what === what);
    if (found.length > 0) return found;
    throw new Error(`equivalents.ts: no change "${what}" of the line "${line}" of ${file} has survived`);
  });
}

export function lineOf({ file, line, what, isReached }: Survivor): string {
  return `${file}:${line}  ${what}${isReached ? "" : "  (no test goes through it)"}`;
}

export function totalOf(files: readonly Score[]): Omit<Score, "file"> {
  const sum = (of: (score: Score) => number) => files.reduce((total, score) => total + of(score), 0);
  return {
    ...{ mutants: sum(({ mutants }) => mutants), killed: sum(({ killed }) => killed) },
    ...{ timeouts: sum(({ timeouts }) => timeouts), equivalent: sum(({ equivalent }) => equivalent) },
    survived: sum(({ survived }) => survived),
  };
}

export function summaryOf({ files }: Pick<Report, "files">): string {
  const { mutants, killed, timeouts, equivalent, survived } = totalOf(files);
  const score = mutants === equivalent ? 100 : Math.floor((1000 * (killed + timeouts)) / (mutants - equivalent)) / 10;
  return (
    `of ${mutants} changes the tests noticed ${killed + timeouts}, ${equivalent} make no difference, ` +
    `${survived} survived: ${score} %`
  );
}
