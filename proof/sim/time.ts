import type { Clock } from "../../src/clock.ts";
import { type Chance, createChance } from "./chance.ts";

/**
 * Time that passes from one event to the next.
 *
 * One event happens at a time: the earliest, and of those at one moment the one that the seed's lot names. Before the next
 * one everything that follows from it has happened: nothing in a simulation waits for input, output or a real timer, so
 * all that follows are microtasks, which the engine runs first in, first out, and all of them before a callback of
 * `setImmediate`. So the order of everything depends on the seed alone.
 */
export interface VirtualTime extends Chance {
  /** Milliseconds from the beginning. */
  nowMs(): number;
  /** Lets something happen after so long, unless the returned function is called before. */
  after(ms: number, happen: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /** A process with a clock of its own, which dies with all of its timers. */
  process(name: string): Process;
  /** Lets one event after the other happen until `isOver` says so after one of them, or nothing is left to happen. */
  run(isOver: () => boolean): Promise<"over" | "idle">;
  /** The timers of a process that have not rung yet. */
  timersOf(process: Process): number;
  readonly happened: number;
}

/** What has a memory and timers, and loses both at once. */
export interface Process {
  readonly name: string;
  readonly clock: Clock;
  readonly isAlive: boolean;
  /** Nothing of it happens any more. */
  kill(): void;
  /** Nothing of it happens for so long; then all that was due does. */
  stall(ms: number): void;
  /** Something reaches it from outside after so long, if it lives then. */
  after(ms: number, happen: () => void): () => void;
}

interface Event {
  dueMs: number;
  /** Decides between events of the same moment. */
  readonly lot: number;
  readonly owner: Owner | null;
  /** Its owner waits for it; otherwise it comes from outside. */
  readonly isTimer: boolean;
  /** Null: it was called off. */
  happen: (() => void) | null;
}

interface Owner {
  readonly name: string;
  isAlive: boolean;
  stalledUntilMs: number;
}

export function createVirtualTime(seed: number): VirtualTime {
  const chance = createChance(seed);
  const heap = createHeap();
  let nowMs = 0;
  let happened = 0;

  const add = (ms: number, owner: Owner | null, happen: () => void, isTimer = false): (() => void) => {
    if (ms === Number.POSITIVE_INFINITY) return () => undefined;
    const event: Event = { dueMs: nowMs + Math.max(0, ms), lot: chance.random(), owner, isTimer, happen };
    heap.push(event);
    return () => {
      event.happen = null;
    };
  };

  /** The next event that is to happen; null: none is left. */
  const next = (): (() => void) | null => {
    for (let event = heap.pop(); event !== null; event = heap.pop()) {
      const { owner, happen } = event;
      if (happen === null || owner?.isAlive === false) continue;
      nowMs = event.dueMs;
      if (owner === null || owner.stalledUntilMs <= nowMs) return happen;
      event.dueMs = owner.stalledUntilMs;
      heap.push(event);
    }
    return null;
  };

  const createProcess = (name: string): Process => {
    const owner: Owner = { name, isAlive: true, stalledUntilMs: 0 };
    // Each machine counts from a moment of its own, so that nobody compares two of them.
    const originMs = chance.between(0, 1e6);
    return {
      name,
      get isAlive() {
        return owner.isAlive;
      },
      kill() {
        owner.isAlive = false;
      },
      stall(ms) {
        owner.stalledUntilMs = Math.max(owner.stalledUntilMs, nowMs + ms);
      },
      after: (ms, happen) => add(ms, owner, happen),
      clock: {
        monotonicMs: () => originMs + nowMs,
        turn: () => new Promise((happen) => add(0, owner, happen, true)),
        sleep(ms, signal) {
          return new Promise((resolve, reject) => {
            if (signal?.aborted) return reject(signal.reason);
            const leave = () => {
              cancel();
              reject(signal?.reason);
            };
            const ring = () => {
              signal?.removeEventListener("abort", leave);
              resolve();
            };
            const cancel = add(ms, owner, ring, true);
            signal?.addEventListener("abort", leave, { once: true });
          });
        },
      },
    };
  };

  return {
    ...chance,
    nowMs: () => nowMs,
    after: (ms, happen) => add(ms, null, happen),
    sleep: (ms) => new Promise((resolve) => add(ms, null, resolve)),
    process: createProcess,
    async run(isOver) {
      for (;;) {
        await followed();
        if (isOver()) return "over";
        const happen = next();
        if (happen === null) return "idle";
        happened++;
        happen();
      }
    },
    timersOf({ name }) {
      let count = 0;
      for (const { owner, happen, isTimer } of heap.all()) {
        if (isTimer && happen !== null && owner?.name === name) count++;
      }
      return count;
    },
    get happened() {
      return happened;
    },
  };
}

function followed(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A binary heap: the least event first. */
function createHeap() {
  const events: Event[] = [];
  const isBefore = (a: Event, b: Event) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.lot < b.lot);
  const at = (index: number) => events[index] as Event;
  return {
    all: (): Iterable<Event> => events,
    push(event: Event) {
      let index = events.push(event) - 1;
      for (; index > 0; ) {
        const parent = (index - 1) >> 1;
        if (!isBefore(event, at(parent))) break;
        events[index] = at(parent);
        index = parent;
      }
      events[index] = event;
    },
    pop(): Event | null {
      const first = events[0];
      const last = events.pop();
      if (first === undefined || last === undefined) return null;
      if (events.length === 0) return first;
      let index = 0;
      for (;;) {
        let child = 2 * index + 1;
        if (child >= events.length) break;
        if (child + 1 < events.length && isBefore(at(child + 1), at(child))) child++;
        if (!isBefore(at(child), last)) break;
        events[index] = at(child);
        index = child;
      }
      events[index] = last;
      return first;
    },
  };
}
