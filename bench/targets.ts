import type { Figure, Target } from "./report.ts";

export type Verdict = "met" | "MISSED" | "NOT MEASURED";

/** A figure is held to its target by its median. Null where it has none. */
export function verdictOf({ spread, target }: Pick<Figure, "spread" | "target">): Verdict | null {
  if (target === undefined) return null;
  if (!Number.isFinite(spread.median)) return "NOT MEASURED";
  return isMet(spread.median, target) ? "met" : "MISSED";
}

function isMet(
  median: number,
  { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }: Target,
): boolean {
  return median >= atLeast && median <= atMost;
}

/** "≥ 4", "≤ 1.5", "≥ 0.5, ≤ 2". */
export function wanted({ atLeast, atMost }: Target): string {
  const bounds = [atLeast === undefined ? [] : `≥ ${atLeast}`, atMost === undefined ? [] : `≤ ${atMost}`];
  return bounds.flat().join(", ");
}
