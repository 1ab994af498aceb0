const FIRST_MS = 50;
const MAX_MS = 1_000;

/** Full jitter: anything from nothing to a ceiling that doubles, so that many servers do not come back in step. */
export function backOffMs(failures: number, random: () => number, maxMs = MAX_MS): number {
  return random() * Math.min(maxMs, FIRST_MS * 2 ** (failures - 1));
}
