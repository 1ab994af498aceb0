import type { Clock } from "../../clock.ts";
import { createBoundedMap } from "../validators/bounded-map.ts";
import type { TenantServiceLimits } from "./limits.ts";

/** Ids that were nobody's a moment ago: they are not asked for again at once. */
export interface Absent {
  has(id: string): boolean;
  add(id: string): void;
  /** The id may have been registered. */
  delete(id: string): void;
  clear(): void;
}

export function createAbsent(
  clock: Clock,
  { absentMax, absentMs }: Pick<TenantServiceLimits, "absentMax" | "absentMs">,
): Absent {
  let untilMs = createBoundedMap<number>({ entriesMax: absentMax });
  return {
    has(id) {
      const endMs = untilMs.get(id);
      if (endMs === undefined) return false;
      if (clock.monotonicMs() < endMs) return true;
      untilMs.delete(id);
      return false;
    },
    add: (id) => untilMs.set(id, clock.monotonicMs() + absentMs),
    delete: (id) => untilMs.delete(id),
    clear() {
      untilMs = createBoundedMap({ entriesMax: absentMax });
    },
  };
}

const ID = /^[a-z0-9-]{1,63}$/;

/** Nothing else is ever registered. */
export function isTenantId(text: string): boolean {
  return ID.test(text);
}
