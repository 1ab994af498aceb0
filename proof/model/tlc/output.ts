/** What TLC has found out about one configuration. */
export interface Checked {
  /** Also those that were known. */
  readonly generated: number;
  readonly distinct: number;
  readonly depth: number;
  readonly verdict: Verdict;
}

export type Verdict =
  | { readonly kind: "kept" }
  /** `trace`: the actions on a shortest way there. */
  | { readonly kind: "violated"; readonly promise: string; readonly trace: readonly string[] }
  | { readonly kind: "failed"; readonly why: string };

export function readOutput(output: string): Checked {
  const counts = [...output.matchAll(/^(\d+) states generated, (\d+) distinct states found/gm)].at(-1);
  const depth = /depth of the complete state graph search is (\d+)/.exec(output)?.[1];
  return {
    generated: Number(counts?.[1] ?? 0),
    distinct: Number(counts?.[2] ?? 0),
    depth: Number(depth ?? 0),
    verdict: verdictOf(output),
  };
}

function verdictOf(output: string): Verdict {
  const broken = /(?:Invariant|Action property) (\S+) is violated/.exec(output)?.[1];
  const isBrokenInTheEnd = output.includes("Temporal properties were violated");
  if (broken !== undefined || isBrokenInTheEnd) {
    return { kind: "violated", promise: broken ?? "Answered", trace: traceOf(output) };
  }
  if (output.includes("Model checking completed. No error has been found.")) return { kind: "kept" };
  const said = output.split("\n").filter((line) => /error|exception|line \d/i.test(line));
  return { kind: "failed", why: said.slice(0, 5).join("\n") || "TLC ended without a verdict" };
}

function traceOf(output: string): string[] {
  return [...output.matchAll(/^State \d+: (?:<(\w+) line|(Stuttering))/gm)].map(
    ([, action, end]) => action ?? end ?? "",
  );
}
