import type { Clock } from "../../clock.ts";
import { backOffMs } from "../../store/postgres/back-off.ts";
import type { ChangeFeed } from "../change-feed.ts";
import type { TenantRegistry } from "../registry.ts";
import type { TenantRuntime } from "../runtime.ts";
import type { TenantTable } from "../table.ts";
import { createFollower } from "./follower.ts";
import type { Holding } from "./holding.ts";
import type { TenantServiceLimits } from "./limits.ts";
import type { Rows } from "./rows.ts";

export interface FollowingDeps {
  readonly feed: Pick<ChangeFeed, "subscribe" | "started">;
  readonly table: Pick<TenantTable, "eager">;
  readonly registry: Pick<TenantRegistry<TenantRuntime>, "health" | "snapshot" | "replaced">;
  readonly rows: Rows;
  readonly holding: Pick<Holding, "hold" | "unregistered">;
  /** Of the tenant of this id; null: of any. */
  readonly onNamesChanged: (id: string | null) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly limits: Pick<TenantServiceLimits, "followingMax">;
}

/** Keeps what is known here as the table has it. */
export interface Following {
  /** Holds the eager tenants, and those that become eager, from now on. */
  start(): void;
  changed(id: string): Promise<void>;
  /** What holds here now is as new as anything that is on its way from the table, which is not to undo it. */
  outdate(id: string): void;
  /** The same, and what holds is read once more: in the table others may have been later. */
  reread(id: string): void;
  stop(): void;
}

const RETRY_MS_MAX = 2_000;
const EAGER = "eager";

export function createFollowing(deps: FollowingDeps): Following {
  const { feed, table, registry, rows, holding, onNamesChanged } = deps;
  let isStarted = false;
  /** What was changed while the eager rows were read; null when they are not. */
  let changedMeanwhile: Set<string> | null = null;

  const holdEager = async () => {
    await feed.started;
    const changed = new Set<string>();
    changedMeanwhile = changed;
    try {
      for (const row of await table.eager()) {
        const { id } = row.registration;
        if (changed.has(id) || rows.isReading(id)) followed.follow(id);
        else if (!deps.signal.aborted) holding.hold(row);
      }
    } finally {
      changedMeanwhile = null;
    }
  };

  const shared = { ...deps, backOffMs: (failures: number) => backOffMs(failures, deps.random, RETRY_MS_MAX) };
  const followed = createFollower({
    ...{ ...shared, atOnceMax: deps.limits.followingMax },
    work: async (id) => void (await rows.read(id, false)),
  });
  const eager = createFollower({ ...shared, atOnceMax: 1, work: holdEager });

  /** What was read of it before counts no more. */
  const outdate = (id: string) => {
    rows.expire(id);
    changedMeanwhile?.add(id);
  };

  const stop = feed.subscribe({
    onChange({ sequence, kind, subject, action, isEager, changesNames }) {
      if (kind !== "tenant") return;
      if (changesNames) onNamesChanged(subject);
      outdate(subject);
      // Not only once the row was read: by then it may be that of another registration under the same id.
      if (action === "unregister") holding.unregistered(subject, sequence);
      if (registry.health(subject) !== null || (isEager && isStarted)) followed.follow(subject);
    },
    onLost() {
      onNamesChanged(null);
      rows.expireAll();
      for (const { id } of registry.snapshot()) followed.follow(id);
      if (isStarted) eager.follow(EAGER);
    },
  });

  return {
    start() {
      isStarted = true;
      eager.follow(EAGER);
    },
    async changed(id) {
      onNamesChanged(id);
      outdate(id);
      try {
        await rows.read(id, false);
      } catch (error) {
        followed.follow(id);
        throw error;
      }
      await registry.replaced(id);
    },
    outdate,
    reread(id) {
      outdate(id);
      followed.follow(id);
    },
    stop,
  };
}
