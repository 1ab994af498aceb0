import { overloaded } from "./turns.ts";

/** What each may have under way of something that all share. */
export interface Shares {
  /** Resolves and rejects as `use` does. Rejects with a `Fault` OVERLOADED, at once, when `name` has too much under way. */
  of<T>(name: string, use: () => Promise<T>): Promise<T>;
}

/** Nothing is kept of who has nothing under way. */
export function createShares(max: number): Shares {
  const counts = new Map<string, number>();
  return {
    async of(name, use) {
      const count = counts.get(name) ?? 0;
      if (count >= max) throw overloaded();
      counts.set(name, count + 1);
      try {
        return await use();
      } finally {
        const left = (counts.get(name) ?? 0) - 1;
        if (left > 0) counts.set(name, left);
        else counts.delete(name);
      }
    },
  };
}
