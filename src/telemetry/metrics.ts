import { isDeepStrictEqual } from "node:util";
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type CounterSpec, type GaugeSpec, type HistogramSpec, knownSeries } from "./metric-spec.ts";

/** One series of a counter. Adding to `value` is all that a hot path does. */
export interface Cell {
  value: number;
}

/** One series of a histogram. */
export interface Distribution {
  observe(value: number): void;
}

/** What Prometheus scrapes. */
export interface MetricsPage {
  readonly contentType: string;
  page(): Promise<string>;
}

/** All that one process tells, in a form that can be sent to another. */
export type Snapshot = readonly SnapshotMetric[];

interface SnapshotMetric {
  readonly type: string | number;
}

/** Where each metric is announced once, by its spec. */
export interface Metrics extends MetricsPage {
  /** The series with these label values, in the order of the names; made at 0 when first asked for. */
  counter(spec: CounterSpec): (...labels: readonly string[]) => Cell;
  histogram(spec: HistogramSpec): (...labels: readonly string[]) => Distribution;
  /**
   * `read` is called at each scrape; null: there is no such series now. The same spec again, with other values of its
   * labels, is another series of it.
   */
  gauge(spec: GaugeSpec, read: () => number | null, labels?: Labels): void;
  /** What the page is made of. */
  snapshot(): Promise<Snapshot>;
}

/** Names and values. */
export type Labels = Readonly<Record<string, string>>;

interface GaugeSeries {
  readonly labels: Labels;
  readonly read: () => number | null;
}

/** Sums over what `nodejs_active_resources` and its like tell apart; gauges whose names end like counters. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/**
 * The only importer of prom-client. Counters are kept in cells of ours and handed over at each scrape: a cell costs 5 ns
 * where prom-client's own child costs 470, because it hashes its labels each time, and a call touches five of them.
 */
export function createMetrics({ ofProcess }: { readonly ofProcess: boolean }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (ofProcess) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
    for (const metric of registry.getMetricsAsArray()) tellTogether(metric);
  }
  const gauges = new Map<string, GaugeSeries[]>();
  return {
    contentType: registry.contentType,
    page: () => registry.metrics(),
    snapshot: () => registry.getMetricsAsJSON(),

    counter(spec) {
      const { name, help } = spec;
      const cells = new Map<string, { readonly labels: readonly string[]; readonly cell: Cell }>();
      new Counter({
        name,
        help,
        labelNames: Object.keys(spec.labels),
        registers,
        collect() {
          this.reset();
          for (const { labels, cell } of cells.values()) this.labels(...labels).inc(cell.value);
        },
      });
      const cellOf = (...labels: readonly string[]): Cell => {
        const key = JSON.stringify(labels);
        const found = cells.get(key);
        if (found !== undefined) return found.cell;
        const cell = { value: 0 };
        cells.set(key, { labels, cell });
        return cell;
      };
      for (const labels of knownSeries(spec)) cellOf(...labels);
      return cellOf;
    },

    histogram(spec) {
      const { name, help, buckets } = spec;
      const labelNames = Object.keys(spec.labels);
      const histogram = new Histogram({ name, help, labelNames, buckets: [...buckets], registers });
      const children = new Map<string, Distribution>();
      const childOf = (...labels: readonly string[]): Distribution => {
        const key = JSON.stringify(labels);
        const found = children.get(key);
        if (found !== undefined) return found;
        const named = Object.fromEntries(labelNames.map((label, i) => [label, labels[i] ?? ""]));
        const child = distributionOf(histogram, buckets, named);
        children.set(key, child);
        return child;
      };
      for (const labels of knownSeries(spec)) childOf(...labels);
      return childOf;
    },

    gauge({ name, help, labels: ofSpec, together }, read, labels = {}) {
      const known = gauges.get(name);
      if (known !== undefined) {
        if (known.some((one) => isDeepStrictEqual(one.labels, labels))) throw new Error(`bug: ${name} is there twice`);
        known.push({ labels, read });
        return;
      }
      const series = [{ labels, read }];
      gauges.set(name, series);
      const labelNames = Object.keys(ofSpec);
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        aggregator: together ?? "sum",
        collect() {
          for (const one of series) {
            const value = one.read();
            if (value === null) this.remove(...labelNames.map((label) => one.labels[label] ?? ""));
            else this.set({ ...one.labels }, value);
          }
        },
      });
    },
  };
}

interface HistogramSeries {
  readonly labels: Labels;
  /** By upper bound, each without those below it. */
  readonly bucketValues: Record<string, number>;
  sum: number;
  count: number;
}

/** Adds to prom-client's own numbers in place: its `observe` makes half a kilobyte of garbage to find them each time. */
function distributionOf(histogram: Histogram, buckets: readonly number[], labels: Labels): Distribution {
  histogram.zero({ ...labels });
  const { hashMap = {} } = histogram as unknown as { readonly hashMap?: Readonly<Record<string, HistogramSeries>> };
  const series = Object.values(hashMap).find((one) => isDeepStrictEqual(one.labels, labels));
  if (series === undefined) throw new Error("bug: prom-client no longer keeps a histogram's series in hashMap");
  const bounds = buckets.map(String);
  return {
    observe(value) {
      series.sum += value;
      series.count++;
      const bound = bounds[buckets.findIndex((most) => value <= most)];
      if (bound !== undefined) series.bucketValues[bound] = (series.bucketValues[bound] ?? 0) + 1;
    },
  };
}

/** Of several processes the first start counts, which prom-client would leave out, and the worst delay, of which it would take the mean. */
function tellTogether(metric: object & { readonly name: string; aggregator?: unknown }): void {
  if (metric.name === "process_start_time_seconds") metric.aggregator = "min";
  if (metric.aggregator === "average") metric.aggregator = "max";
}

/** The page of several processes: what each tells of a metric, added up, or as its spec says. */
export function pageOf(snapshots: readonly Snapshot[]): Promise<string> {
  return aggregate(snapshots).metrics();
}

/** One of several snapshots. */
export function addUp(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  return aggregate(snapshots).getMetricsAsJSON();
}

/** What stays true of a process that has ended: what it has counted. Without it a sum would fall, as if all had begun anew. */
export function countsOf(snapshot: Snapshot): Snapshot {
  return snapshot.filter(({ type }) => type === "counter" || type === "histogram");
}

function aggregate(snapshots: readonly Snapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot]));
}
