/** Figures of one arm over several rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) };
}

/**
 * Runs the arms in turn, A B C C B A A B C …, so that a machine that slows down slows them all alike, and gives each arm
 * its figure of every round. The first round warms up and is thrown away.
 */
export async function interleave<Name extends string>(
  rounds: number,
  arms: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, readonly number[]>> {
  const names = Object.keys(arms) as Name[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const figure = await arms[name]();
      if (round > 0) figures[name].push(figure);
    }
  }
  return figures;
}

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
