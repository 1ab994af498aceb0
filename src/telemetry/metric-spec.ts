/**
 * What a metric is: for the code that counts, and for docs/metrics.md, which is made from these and nothing else.
 * No label names a tenant, a scope or a key: there may be a hundred thousand of them.
 */
export interface MetricSpec {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly name: string;
  /** Of what it counts or measures. */
  readonly unit: string;
  /** What it means; also on the page that Prometheus scrapes. */
  readonly help: string;
  /** What to do when it is not as it should be, or what to compare it with. */
  readonly advice: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  /** The combinations of label values that there are, where not all go together. */
  readonly series?: readonly (readonly string[])[];
}

/** All the values that a label can have; in words where no list of them can be given beforehand. */
export type LabelValues = readonly string[] | string;

export interface CounterSpec extends MetricSpec {
  readonly kind: "counter";
}

export interface GaugeSpec extends MetricSpec {
  readonly kind: "gauge";
  /** What the processes of one server tell together. Absent: the sum, as of counters and histograms. */
  readonly together?: "min" | "max";
}

export interface HistogramSpec extends MetricSpec {
  readonly kind: "histogram";
  readonly buckets: readonly number[];
}

/** Seconds. This service answers in a millisecond or so, where the usual buckets begin at five. */
export const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** What most gauges of a database are told apart by. */
export const PLACEMENT = "`main`, or a name of `--placements`";

/**
 * Every combination of label values, in the order of the labels' names; none when a label has no list. These stand at 0
 * from the start, so that the first failure is a rise and not a new series.
 */
export function knownSeries({ labels, series }: MetricSpec): readonly (readonly string[])[] {
  if (series !== undefined) return series;
  let known: readonly (readonly string[])[] = [[]];
  for (const values of Object.values(labels)) {
    if (typeof values === "string") return [];
    known = known.flatMap((before) => values.map((value) => [...before, value]));
  }
  return known;
}
