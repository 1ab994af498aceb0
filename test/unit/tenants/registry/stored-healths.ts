import type { TenantHealth } from "../../../../src/domain/tenant.ts";
import { nextHealth } from "../../../../src/domain/tenant-health.ts";
import type { HealthChange } from "../../../../src/tenants/registry/deps.ts";
import type { HealthState } from "../../../../src/tenants/table.ts";

export interface PendingCommit {
  readonly generation: bigint;
  readonly promise: Promise<HealthState | null>;
  answer(how: "succeed" | "gone" | "fail"): void;
}

/**
 * Where all servers keep healths: judges what is stored, not what the server that asks believes. Every other commit is
 * decided as it is asked for, and only its answer is late.
 */
export function createStoredHealths(tell: (id: string, generation: bigint, state: HealthState) => void) {
  const stored = new Map<bigint, HealthState>();
  const underWay: PendingCommit[] = [];
  let instant = 0;
  let asked = 0;

  const set = (generation: bigint, health: TenantHealth, reason: string): HealthState => {
    const state = { health, reason, since: ++instant };
    stored.set(generation, state);
    return state;
  };

  return {
    underWay,
    now: () => ++instant,
    put: (generation: bigint, state: HealthState) => void stored.set(generation, state),

    /** Another server changes it, and all are told. */
    change(id: string, generation: bigint, health: TenantHealth): void {
      tell(id, generation, set(generation, health, ""));
    },

    commit({ id, generation, reason, event }: HealthChange): Promise<HealthState | null> {
      const decide = () => set(generation, nextHealth(stored.get(generation)?.health ?? "pending", event), reason);
      const { promise, resolve, reject } = Promise.withResolvers<HealthState | null>();
      const decided = ++asked % 2 === 0 ? decide() : null;
      underWay.push({
        generation,
        promise,
        answer(how) {
          if (how === "succeed") return resolve(decided ?? decide());
          // It was decided all the same, of which all are told.
          if (decided !== null) tell(id, generation, stored.get(generation) ?? decided);
          if (how === "gone" && decided === null) resolve(null);
          else reject(COMMIT_FAILED);
        },
      });
      return promise;
    },

    /** What must be seen of a generation; undefined while that depends on an answer. */
    seen(generation: bigint): TenantHealth | undefined {
      const isOpen = underWay.some((commit) => commit.generation === generation);
      return isOpen ? undefined : stored.get(generation)?.health;
    },
  };
}

export const COMMIT_FAILED = new Error("the commit failed");
