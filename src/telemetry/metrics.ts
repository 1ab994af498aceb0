import { isDeepStrictEqual } from "node:util";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type CounterSpec, type GaugeSpec, type HistogramSpec, knownSeries } from "./metric-spec.ts";

/** One series of a counter. Adding to `value` is all that a hot path does. */
export interface Cell {
  value: number;
}

/** One series of a histogram. */
export interface Distribution {
  observe(value: number): void;
}

/** Where each metric is announced once, by its spec. */
export interface Metrics {
  /** The series with these label values, in the order of the names; made at 0 when first asked for. */
  counter(spec: CounterSpec): (...labels: readonly string[]) => Cell;
  histogram(spec: HistogramSpec): (...labels: readonly string[]) => Distribution;
  /**
   * `read` is called at each scrape; null: there is no such series now. The same spec again, with other values of its
   * labels, is another series of it.
   */
  gauge(spec: GaugeSpec, read: () => number | null, labels?: Labels): void;
  readonly contentType: string;
  /** The page that Prometheus scrapes. */
  page(): Promise<string>;
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
  }
  const gauges = new Map<string, GaugeSeries[]>();
  return {
    contentType: registry.contentType,
    page: () => registry.metrics(),

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
        histogram.zero(Object.fromEntries(labelNames.map((label, i) => [label, labels[i] ?? ""])));
        const child = histogram.labels(...labels);
        children.set(key, child);
        return child;
      };
      for (const labels of knownSeries(spec)) childOf(...labels);
      return childOf;
    },

    gauge({ name, help, labels: ofSpec }, read, labels = {}) {
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
