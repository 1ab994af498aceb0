/** The axis of a chart's figures, from the bottom of its plot to the top. */
export interface Axis {
  /** Rising; the first is the bottom. */
  readonly ticks: readonly number[];
  /** Distance from the top of the picture. */
  at(value: number): number;
  format(tick: number): string;
}

const TICKS_ABOUT = 5;

/** Bars begin at zero; lines do too, unless all of them are far from it. A logarithm begins at a power of ten. */
export function createAxis(
  values: readonly number[],
  logarithmic: boolean,
  fromZero: boolean,
  { top, bottom }: { readonly top: number; readonly bottom: number },
): Axis {
  const ticks = logarithmic
    ? powers(
        values.filter((value) => value > 0),
        fromZero,
      )
    : steps(values, fromZero);
  const scale = logarithmic ? Math.log10 : (value: number) => value;
  const [low, high] = [scale(ticks[0] ?? 0), scale(ticks.at(-1) ?? 1)];
  return {
    ticks,
    at: (value) => Math.round((bottom - ((scale(value) - low) / (high - low)) * (bottom - top)) * 10) / 10,
    format: (tick) => tick.toLocaleString("en", { maximumSignificantDigits: 6 }),
  };
}

/** Multiples of 1, 2 or 5 times a power of ten, around all of the values. */
function steps(values: readonly number[], fromZero: boolean): readonly number[] {
  if (values.length === 0) return [0, 1];
  const highest = Math.max(...values, 0);
  const lowest = Math.min(...values, highest);
  const low = fromZero || lowest < highest * 0.6 ? Math.min(0, lowest) : lowest;
  const span = highest - low || Math.abs(highest) || 1;
  const power = 10 ** Math.floor(Math.log10(span / TICKS_ABOUT));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => span / each <= TICKS_ABOUT) ?? span;
  const [first, last] = [Math.floor(low / step), Math.max(Math.ceil(highest / step), Math.floor(low / step) + 1)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten around all of the values, with their multiples of 2 and 5 where there are few. */
function powers(values: readonly number[], areBars: boolean): readonly number[] {
  if (values.length === 0) return [1, 10];
  // A bar of the lowest value is still to be seen.
  const first = Math.floor(Math.log10(Math.min(...values)) - (areBars ? 0.02 : 0));
  const last = Math.max(Math.ceil(Math.log10(Math.max(...values))), first + 1);
  const multiples = last - first <= 2 ? [1, 2, 5] : [1];
  const ticks = Array.from({ length: last - first }, (_, i) => multiples.map((each) => each * 10 ** (first + i)));
  return [...ticks.flat(), 10 ** last].map((tick) => Number(tick.toPrecision(12)));
}

/** Where the i-th of rising numbers is: by their logarithms where they grow by factors, evenly otherwise. */
export function place(numbers: readonly number[], i: number, from: number, to: number): number {
  const [first = 0, last = 1] = [numbers[0], numbers.at(-1)];
  const scale = first > 0 && last / first >= 50 ? Math.log10 : (value: number) => value;
  const span = scale(last) - scale(first) || 1;
  return from + ((scale(numbers[i] ?? first) - scale(first)) / span) * (to - from);
}
