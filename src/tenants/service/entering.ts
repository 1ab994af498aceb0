import type { Clock } from "../../clock.ts";
import type { TenantRegistry } from "../registry.ts";
import type { TenantRuntime } from "../runtime.ts";
import type { Entered, Tenants } from "../tenants.ts";
import { type Absent, isTenantId } from "./absent.ts";
import type { TenantServiceLimits } from "./limits.ts";
import { type Lookups, tooMany } from "./lookups.ts";
import type { Rows } from "./rows.ts";
import { within } from "./within.ts";

export interface EnteringDeps {
  readonly registry: Pick<TenantRegistry<TenantRuntime>, "health" | "resolve">;
  readonly rows: Pick<Rows, "read" | "isReading" | "size">;
  readonly absent: Pick<Absent, "has">;
  readonly lookups: Pick<Lookups, "require">;
  readonly clock: Clock;
  readonly limits: Pick<TenantServiceLimits, "readingMax">;
}

const RETRY_MS = 100;

/** A tenant that is built costs two look-ups in memory: the answer is the same promise each time. */
export function createEntering(deps: EnteringDeps): Pick<Tenants, "enter"> {
  const { registry, rows, absent, lookups, clock, limits } = deps;
  /** Answers that have come, and may be given on without a look at the deadline. */
  const settled = new WeakSet<Promise<Entered | null>>();

  const wait = async (answer: Promise<Entered | null>, deadline: number) => {
    const entered = await within(answer, deadline, clock);
    settled.add(answer);
    return entered;
  };

  const lookUp = async (id: string): Promise<boolean> => {
    if (!rows.isReading(id)) {
      lookups.require();
      // Who is nobody's is known, and paid for, only afterwards.
      if (rows.size >= limits.readingMax) throw tooMany(RETRY_MS);
    }
    return (await rows.read(id, true)) !== null;
  };

  const enterUnknown = async (id: string, deadline: number): Promise<Entered | null> => {
    if (!isTenantId(id) || absent.has(id)) return null;
    if (!(await within(lookUp(id), deadline, clock))) return null;
    return wait(registry.resolve(id), deadline);
  };

  return {
    enter(id, deadline) {
      if (registry.health(id) === null) return enterUnknown(id, deadline);
      const answer = registry.resolve(id);
      return settled.has(answer) ? answer : wait(answer, deadline);
    },
  };
}
