/** A selector of an expression: a metric with the labels that it is asked for by. */
export interface Selector {
  /** As it is written. */
  readonly text: string;
  readonly metric: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** What an expression speaks of. Not a parser: enough of PromQL for the rules and the dashboard of this repository. */
export interface Mentioned {
  readonly selectors: readonly Selector[];
  /** That are grouped or matched by. */
  readonly grouping: ReadonlySet<string>;
}

const WORDS = new Set(
  "sum max min count avg by on and or unless rate increase changes absent time clamp_min histogram_quantile".split(" "),
);

const LABEL = /(\w+)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;
const GROUPING = /\b(?:by|on)\s*\(([^)]*)\)/g;
const METRIC = /\b([a-zA-Z_][\w:]*)\b(?:\s*\{([^}]*)\})?/g;

export function mentioned(expression: string): Mentioned {
  const grouping = new Set<string>();
  const rest = expression
    .replaceAll(GROUPING, (_, names: string) => {
      for (const name of names.split(",")) grouping.add(name.trim());
      return " ";
    })
    .replaceAll(/\[[^\]]*\]/g, " ");
  const selectors: Selector[] = [];
  for (const [text, metric = "", matchers = ""] of rest.matchAll(METRIC)) {
    if (WORDS.has(metric) || /^\d/.test(metric)) continue;
    const labels = new Map([...matchers.matchAll(LABEL)].map(([, name = "", value = ""]) => [name, value]));
    selectors.push({ text, metric, labels });
  }
  return { selectors, grouping };
}

/** The metric that a series belongs to: those of a histogram have names of their own. */
export function metricOf(series: string): string {
  return series.replace(/_(bucket|sum|count)$/, "");
}
