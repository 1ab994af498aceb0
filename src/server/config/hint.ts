/**
 * What somebody who typed `given` most likely meant; undefined when nothing is within `changesMax` letters, or within half
 * of its own: of a short word more is another word.
 */
export function nearest(given: string, known: readonly string[], changesMax = 3): string | undefined {
  let best: string | undefined;
  let bestDistance = changesMax + 1;
  for (const candidate of known) {
    const distance = editDistance(given.slice(0, 64), candidate);
    if (distance >= bestDistance || distance > candidate.length / 2) continue;
    [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const swap = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
