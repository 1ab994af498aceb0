import { openSession, type SessionDeps } from "./connection.ts";
import { createEpoch } from "./epoch.ts";
import { createLanes, type Lanes } from "./lanes.ts";

/** All sessions of one process with one database; they share what is known of its epoch. */
export interface Database {
  /** A new group of lanes, connecting at once. */
  lanes(count: number, options?: GroupOptions): Lanes;
  /** Resolves once every lane has been open. */
  opened(): Promise<void>;
  status(): DatabaseStatus;
  close(): Promise<void>;
}

export interface DatabaseStatus {
  /**
   * Of every group at least one lane is open, so that no kind of call is refused altogether. Not every lane: one that
   * finds no room in the database must not take away what the others serve.
   */
  readonly reachable: boolean;
  readonly lanes: number;
  readonly open: number;
  readonly busy: number;
  /** A reason why some lane is down; null while all are open. For the log: it may hold an address. */
  readonly trouble: Error | null;
}

export interface GroupOptions {
  /**
   * So many statements may be sent on a connection before the first is answered; the server runs them one after the
   * other, each in a transaction of its own. Never more than one behind a pooler in transaction mode, whose guard goes
   * with each. Without it one: for who changes things in transactions of several statements.
   */
  readonly atOnce?: number;
  /** Nothing that callers ask for fails without it: whether the database is reachable does not depend on it. */
  readonly optional?: boolean;
  /**
   * So many turns may wait for each lane; more are refused with OVERLOADED, and those that wait with STORE_UNAVAILABLE
   * when the database is closed. Without it any number may, and all are finished: for callers who bound themselves.
   */
  readonly waitingMax?: number;
}

export interface DatabaseDeps extends SessionDeps {
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

export function createDatabase(deps: DatabaseDeps): Database {
  const epoch = createEpoch();
  const groups: Lanes[] = [];
  const needed: Lanes[] = [];

  return {
    lanes(count, { atOnce: asked = 1, optional = false, waitingMax } = {}) {
      const atOnce = deps.pooled ? 1 : asked;
      const group = createLanes({
        count,
        atOnce,
        open: () => openSession({ ...deps, pipelined: atOnce > 1 }),
        epoch,
        clock: deps.clock,
        random: deps.random,
        waitingMax: waitingMax ?? null,
      });
      groups.push(group);
      if (!optional) needed.push(group);
      return group;
    },
    async opened() {
      await Promise.all(groups.map((group) => group.opened()));
    },
    status() {
      const all = groups.map((group) => group.status());
      const sum = (part: "lanes" | "open" | "busy") => all.reduce((total, status) => total + status[part], 0);
      return {
        reachable: needed.every((group) => group.status().open > 0),
        lanes: sum("lanes"),
        open: sum("open"),
        busy: sum("busy"),
        trouble: all.find((status) => status.trouble !== null)?.trouble ?? null,
      };
    },
    async close() {
      await Promise.all(groups.map((group) => group.close()));
    },
  };
}
