import type { Clock } from "../../clock.ts";
import type { Connection, Session } from "./connection.ts";
import type { Epoch } from "./epoch.ts";
import { createLane, type Lane } from "./lane.ts";
import type { TurnOptions } from "./turns.ts";

/**
 * A few reconnecting sessions. A key belongs to one lane, so two lanes never hold the same key, and a batch that is blocked
 * by somebody's lock holds up no other lane's keys.
 */
export interface Lanes {
  readonly count: number;
  /** So many turns of a lane are taken at a time; what they send is run one after the other. */
  readonly atOnce: number;
  laneOf(keyText: string): number;
  /**
   * Runs `work` when the lane is free and connected, in the order of the calls; what it resolves with is durable. Rejects
   * with a Fault OVERLOADED, without having run it, when too many turns wait for the lane; STORE_UNAVAILABLE when the lane
   * stays down for longer than its patience, and then has not run it, or does not know whether what it saw is durable;
   * otherwise with what `work` threw.
   */
  run<T>(lane: number, work: (connection: Connection) => Promise<T>, options?: TurnOptions): Promise<T>;
  /** Resolves once every lane has been open. */
  opened(): Promise<void>;
  status(): LanesStatus;
  /** Finishes what is under way, and what waits unless that is bounded, then says goodbye. */
  close(): Promise<void>;
}

export interface LanesStatus {
  readonly lanes: number;
  readonly open: number;
  readonly busy: number;
  /** The newest reason why a lane is down; null while all are open. */
  readonly trouble: Error | null;
}

export interface LanesDeps {
  readonly count: number;
  readonly atOnce: number;
  readonly open: () => Promise<Session>;
  readonly epoch: Epoch;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Of each lane: so many turns may wait, and those that do are refused by `close`. Null: any number, for who bounds them. */
  readonly waitingMax: number | null;
}

export function createLanes({ count, ...deps }: LanesDeps): Lanes {
  const lanes = Array.from({ length: count }, () => createLane(deps));

  const at = (index: number): Lane => {
    const lane = lanes[index];
    if (lane === undefined) throw new Error(`bug: no lane ${index}`);
    return lane;
  };

  return {
    count,
    atOnce: deps.atOnce,
    laneOf: (keyText) => hash(keyText) % count,
    run: (index, work, options) => at(index).run(work, options),
    opened: async () => {
      await Promise.all(lanes.map((lane) => lane.opened));
    },
    status: () => ({
      lanes: count,
      open: lanes.filter((lane) => lane.isOpen()).length,
      busy: lanes.filter((lane) => lane.isBusy()).length,
      trouble: lanes.map((lane) => lane.trouble()).find((trouble) => trouble !== null) ?? null,
    }),
    close: async () => {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}

/** FNV-1a over UTF-16 units: spreads well, and nothing depends on its value. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
