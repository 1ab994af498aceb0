import type { Delivery } from "./delivery-log.ts";

/**
 * Who has which delivery. Plays the provider's part: a delivery that was not acknowledged is delivered again, for as
 * long as it takes.
 *
 * ```
 *             next                acknowledge
 *  waiting ─────────▶ in flight ─────────────▶ done
 *     ▲ ▲                │  │
 *     │ └── giveBack ────┘  │ park
 *     └───── unpark ─── parked
 * ```
 */
export interface Feeder {
  /** What `next` would hand out; null when none waits. */
  upcoming(): Delivery | null;
  /** The next delivery for this worker, now in flight; null when none waits. */
  next(worker: number): Delivery | null;
  acknowledge(worker: number, line: number): void;
  /** The worker did not handle it. */
  giveBack(worker: number, line: number): void;
  /** The worker died: all that it had waits again, and is returned. */
  giveBackAll(worker: number): readonly Delivery[];
  /** Not to be delivered before its event is unparked. Returns the delivery. */
  park(worker: number, line: number): Delivery;
  unpark(id: string): void;
  /** Deliveries in flight at this worker. */
  load(worker: number): number;
  readonly done: number;
  readonly isDone: boolean;
}

export function createFeeder(deliveries: readonly Delivery[]): Feeder {
  const inFlight = new Map<number, Map<number, Delivery>>();
  const parked = new Map<string, Delivery[]>();
  const again: Delivery[] = [];
  let read = 0;
  let done = 0;

  const heldBy = (worker: number): Map<number, Delivery> => {
    const held = inFlight.get(worker) ?? new Map<number, Delivery>();
    inFlight.set(worker, held);
    return held;
  };
  const take = (worker: number, line: number): Delivery => {
    const delivery = heldBy(worker).get(line);
    if (delivery === undefined) throw new Error(`bug: worker ${worker} does not have the delivery of line ${line}`);
    heldBy(worker).delete(line);
    return delivery;
  };

  return {
    upcoming: () => again[0] ?? deliveries[read] ?? null,
    next(worker) {
      const delivery = again.shift() ?? deliveries[read++];
      if (delivery === undefined) return null;
      heldBy(worker).set(delivery.line, delivery);
      return delivery;
    },
    acknowledge(worker, line) {
      take(worker, line);
      done++;
    },
    giveBack(worker, line) {
      again.push(take(worker, line));
    },
    giveBackAll(worker) {
      const held = [...heldBy(worker).values()];
      again.push(...held);
      inFlight.delete(worker);
      return held;
    },
    park(worker, line) {
      const delivery = take(worker, line);
      parked.set(delivery.id, [...(parked.get(delivery.id) ?? []), delivery]);
      return delivery;
    },
    unpark(id) {
      again.push(...(parked.get(id) ?? []));
      parked.delete(id);
    },
    load: (worker) => heldBy(worker).size,
    get done() {
      return done;
    },
    get isDone() {
      return done === deliveries.length;
    },
  };
}
