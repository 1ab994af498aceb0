/** Counts by name; a name that is counted no more leaves nothing behind. */
export interface Tally {
  of(name: string): number;
  /** One more, until the returned function is called; calling it again does nothing. */
  count(name: string): () => void;
  readonly total: number;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  let total = 0;
  const add = (name: string, by: 1 | -1) => {
    total += by;
    const count = (counts.get(name) ?? 0) + by;
    if (count > 0) counts.set(name, count);
    else counts.delete(name);
  };
  return {
    of: (name) => counts.get(name) ?? 0,
    count(name) {
      add(name, 1);
      let isCounted = true;
      return () => {
        if (isCounted) add(name, -1);
        isCounted = false;
      };
    },
    get total() {
      return total;
    },
  };
}
