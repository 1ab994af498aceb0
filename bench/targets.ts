import type { Target } from "./report.ts";

/** A figure is held to its target by its median. */
export function isMet(
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
