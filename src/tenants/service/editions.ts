/** One state of all names. What was found under the current one may be told; what was found under another may be untrue. */
export interface Edition {
  /** How often somebody has said that names have changed. */
  readonly news: number;
  /** `FoundName.names`; 0 until something is found. */
  readonly names: bigint;
}

/**
 * Whoever is told of a change of names must not be told afterwards what was before it, by whichever look-up: so the
 * answers of all of them are held against the same edition. Nothing is cleared when it changes, and so nothing of what is
 * remembered is lost: not who was asked for a moment ago, and has been paid for.
 */
export interface Editions {
  readonly current: Edition;
  /** The edition of an answer whose question was asked under this one; null: it is out of date already. */
  take(asked: Edition, names: bigint): Edition | null;
  /** Names have changed, or may have. A database that was set back is believed from then on. */
  turn(): void;
}

export function createEditions(): Editions {
  let current: Edition = { news: 0, names: 0n };
  return {
    get current() {
      return current;
    },
    take({ news }, names) {
      if (news !== current.news || names < current.names) return null;
      // News of the change are on their way. It is over with what is known all the same.
      if (names > current.names) current = { news, names };
      return current;
    },
    turn() {
      current = { news: current.news + 1, names: 0n };
    },
  };
}
