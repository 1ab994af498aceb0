/** What a race has counted so far. */
export interface Tally {
  /** A trial that came about in this order. */
  count(order: string, trials?: number): void;
  /** A promise was broken: how, with all that one needs to see it. */
  violate(what: string): void;
  /** The race did not take place as it should; that is no violation, and no proof either. */
  spoil(why: string): void;
  figure(name: string, value: number): void;
  /** So many of all trials could not be judged, because the store did not know what had become of a call. */
  unanswered(count: number, of: number): void;
  /** More trials say nothing more. */
  readonly isOver: boolean;
  readonly counts: ReadonlyMap<string, number>;
  readonly violations: number;
  readonly examples: readonly string[];
  readonly spoilt: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

const EXAMPLES = 5;
/** The contract allows it, for who waits too long for a lock; but such a trial shows nothing. */
const UNANSWERED_SHARE_MAX = 0.01;

/** @param violationsMax that many end the race: a control wants one, and ten say as much as a thousand */
export function createTally(violationsMax: number): Tally {
  const counts = new Map<string, number>();
  const examples: string[] = [];
  const spoilt: string[] = [];
  const figures: Record<string, number> = {};
  let violations = 0;
  return {
    count: (order, trials = 1) => void counts.set(order, (counts.get(order) ?? 0) + trials),
    violate(what) {
      violations++;
      if (examples.length < EXAMPLES) examples.push(what);
    },
    spoil(why) {
      if (spoilt.length < EXAMPLES) spoilt.push(why);
    },
    figure(name, value) {
      figures[name] = value;
    },
    unanswered(count, of) {
      if (count > 0) figures["trials with an unanswered call"] = count;
      if (count > of * UNANSWERED_SHARE_MAX) spoilt.push(`${count} of ${of} trials had a call without an answer`);
    },
    get isOver() {
      return violations >= violationsMax;
    },
    counts,
    get violations() {
      return violations;
    },
    examples,
    spoilt,
    figures,
  };
}
