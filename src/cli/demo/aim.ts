import type { ChaosPlan } from "./chaos.ts";
import type { Delivery } from "./delivery-log.ts";
import type { Stage } from "./messages.ts";

/** Decides for each delivery that goes out whether its worker shall stop on the way, to be killed there. */
export interface Aim {
  stageFor(delivery: Delivery): Stage | null;
  /** The delivery is over, or its worker was hit. If it is over without a hit, the next new event is aimed at. */
  over(line: number, hit: boolean): void;
}

/**
 * Aims at the first delivery of an event: nobody can have done its work yet, but a second copy of it may be faster at
 * another worker, and then the shot is taken at the next event. One shot at a time: of two that met in one worker, one
 * would be wasted.
 */
export function createAim(aimed: ChaosPlan["aimed"]): Aim {
  const seen = new Set<string>();
  let target: number | null = null;
  let hits = 0;
  return {
    stageFor({ id, line }) {
      if (seen.has(id)) return null;
      const shot = aimed[hits];
      const isDue = target === null && shot !== undefined && seen.size >= shot.event;
      seen.add(id);
      if (!isDue) return null;
      target = line;
      return shot.stage;
    },
    over(line, hit) {
      if (line !== target) return;
      target = null;
      if (hit) hits++;
    },
  };
}
