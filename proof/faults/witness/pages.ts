import { type Sample, samplesOf, sumOf } from "../stand/metrics.ts";
import type { StandServer } from "../stand/stand.ts";

type Labels = Readonly<Record<string, string>>;

/** The metrics of several servers at one time. */
export interface Pages {
  readonly samples: readonly Sample[];
}

/** What happened between two looks at the metrics, by all servers together. */
export interface Between {
  count(name: string, labels?: Labels): number;
  /** Of a histogram; NaN of nothing. */
  mean(name: string, labels?: Labels): number;
  /** How much of a histogram lies at or below one of its bounds, in %; NaN of nothing. */
  percentUpTo(bound: number, name: string, labels?: Labels): number;
}

export async function readPages(servers: readonly StandServer[]): Promise<Pages> {
  const pages = servers.map(async (server) => await (await fetch(`${server.process.http}/metrics`)).text());
  return { samples: (await Promise.all(pages)).flatMap(samplesOf) };
}

export function between(before: Pages, after: Pages): Between {
  const count = (name: string, labels?: Labels) =>
    sumOf(after.samples, name, labels) - sumOf(before.samples, name, labels);
  return {
    count,
    mean: (name, labels) => count(`${name}_sum`, labels) / count(`${name}_count`, labels),
    percentUpTo(bound, name, labels) {
      const below = count(`${name}_bucket`, { ...labels, le: String(bound) });
      return (100 * below) / count(`${name}_count`, labels);
    },
  };
}
