/** Counts by name; a name that is counted no more leaves nothing behind. */
export interface Tally {
  of(name: string): number;
  /** So many more, until the returned function is called; that returns false when it was called before. */
  count(name: string, by?: number): () => boolean;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  const add = (name: string, by: number) => {
    const count = (counts.get(name) ?? 0) + by;
    if (count > 0) counts.set(name, count);
    else counts.delete(name);
  };
  return {
    of: (name) => counts.get(name) ?? 0,
    count(name, by = 1) {
      add(name, by);
      let isCounted = true;
      return () => {
        const wasCounted = isCounted;
        isCounted = false;
        if (wasCounted) add(name, -by);
        return wasCounted;
      };
    },
  };
}
