/** Figures of one arm over several rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** The median of an even number of values is half way between the two in the middle. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const last = sorted.length - 1;
  return { min: at(0), median: (at(Math.floor(last / 2)) + at(Math.ceil(last / 2))) / 2, max: at(last) };
}

/**
 * Runs the arms in turn, A B C C B A A B C …, so that a machine that slows down slows them all alike, and gives each arm
 * its figure, or figures, of every round. The first round warms up and is thrown away; it may be shorter, by what its
 * arms are told: a share of the work of the others.
 */
export async function interleave<Name extends string, Measure = number>(
  rounds: number,
  arms: Readonly<Record<Name, (share: number) => Promise<Measure>>>,
): Promise<Record<Name, readonly Measure[]>> {
  const names = Object.keys(arms) as Name[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as Measure[]])) as Record<Name, Measure[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const figure = await arms[name](round === 0 ? WARM_UP_SHARE : 1);
      if (round > 0) figures[name].push(figure);
    }
  }
  return figures;
}

/** Enough for code to be compiled and connections to be open. */
const WARM_UP_SHARE = 0.25;

/** Round by round, so that what slowed one round down does not blur the ratio. */
export function ratios(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.map((value, i) => value / (b[i] ?? Number.NaN));
}

/** Keeps `width` tasks going until `count` have been started and all are done; how many a second. */
export async function throughput(count: number, width: number, task: (i: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const started = performance.now();
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return (count * 1000) / (performance.now() - started);
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Of single values; each is one of them. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
