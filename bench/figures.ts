import { spread } from "./measure.ts";
import type { Chart, Figure, Target } from "./report.ts";

/** A figure of the values that the rounds gave. */
export function figure(id: string, what: string, unit: string, values: readonly number[], target?: Target): Figure {
  return { id, what, unit, spread: spread(values), ...(target && { target }) };
}

/** 10 000, as people read it. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}

export function median(values: readonly number[]): number {
  return spread(values).median;
}

/** A part of what each round gave. */
export function pick<T>(rounds: readonly T[], part: (round: T) => number): readonly number[] {
  return rounds.map(part);
}

/** Lines over the number of callers: a median for each. */
export function linesOver(
  chart: Pick<Chart, "id" | "title" | "unit">,
  label: string,
  values: readonly number[],
  series: Readonly<Record<string, readonly (number | null)[]>>,
): Chart {
  return {
    ...chart,
    kind: "lines",
    x: { label, values },
    series: Object.entries(series).map(([name, of]) => ({ name, values: of })),
  };
}

/** A bar for each name: the median of what its rounds gave. */
export function barsOf(
  chart: Pick<Chart, "id" | "title" | "unit">,
  label: string,
  arms: Readonly<Record<string, readonly number[]>>,
): Chart {
  const values = Object.values(arms).map((rounds) => median(rounds));
  return { ...chart, kind: "bars", x: { label, values: Object.keys(arms) }, series: [{ name: chart.unit, values }] };
}
