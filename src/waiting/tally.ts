/** Counts by name; a name that is counted no more leaves nothing behind. */
export interface Tally {
  of(name: string): number;
  /** So many more, until it is disposed of. */
  count(name: string, by?: number): Disposable;
  /** How many are counted: those that were not disposed of. */
  readonly size: number;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  let size = 0;

  const add = (name: string, by: number) => {
    size += Math.sign(by);
    const count = (counts.get(name) ?? 0) + by;
    if (count > 0) counts.set(name, count);
    else counts.delete(name);
  };

  return {
    of: (name) => counts.get(name) ?? 0,
    count: (name, by = 1) => new Counted(add, name, by),
    get size() {
      return size;
    },
  };
}

/** A class, for there is one with each call that waits: what it does is shared. */
class Counted implements Disposable {
  readonly #add: (name: string, by: number) => void;
  readonly #name: string;
  /** 0 once it is disposed of. */
  #by: number;

  constructor(add: (name: string, by: number) => void, name: string, by: number) {
    this.#add = add;
    this.#name = name;
    this.#by = by;
    add(name, by);
  }

  [Symbol.dispose](): void {
    if (this.#by > 0) this.#add(this.#name, -this.#by);
    this.#by = 0;
  }
}
