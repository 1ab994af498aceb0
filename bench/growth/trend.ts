export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * By how much of its mean the straight line that fits the later half of the points best rises over that half: 0 is flat,
 * 0.1 a tenth more. The earlier half is what filled caches, heaps and the table.
 */
export function riseOf(points: readonly Point[]): number {
  const later = points.slice(Math.floor(points.length / 2));
  const [meanX, meanY] = [mean(later.map(({ x }) => x)), mean(later.map(({ y }) => y))];
  let covariance = 0;
  let variance = 0;
  for (const { x, y } of later) {
    covariance += (x - meanX) * (y - meanY);
    variance += (x - meanX) ** 2;
  }
  const [first, last] = [later[0], later.at(-1)];
  if (first === undefined || last === undefined || variance === 0 || meanY === 0) return Number.NaN;
  return ((covariance / variance) * (last.x - first.x)) / meanY;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
