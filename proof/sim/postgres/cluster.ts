import { type Instant, msBetween } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import type { Session } from "../../../src/store/postgres/connection.ts";
import type { Process, VirtualTime } from "../time.ts";
import { type Backend, type BackendDeps, createBackend, type Transaction } from "./backend.ts";
import { databaseError } from "./error.ts";
import type { Flaw } from "./flaw.ts";
import { createLocks, type Locks } from "./locks.ts";
import { createSession, type Fate, type SimulatedSession } from "./session.ts";
import { createStorage, type StorageObserver } from "./storage.ts";

/** The database: one primary with a synchronous standby, as servers and operators know it. */
export interface Cluster {
  /** What its clock says now. */
  now(): Instant;
  /** When it says this, if nobody sets it meanwhile, or would have said it. */
  msOf(instant: Instant): number;
  stepClock(ms: number): void;
  connect(owner: Process, name: string, onNotification?: (payload: string) => void): Promise<Session>;
  /** It crashes, and is back after so long: as it was on its own disk, or as the standby has it. */
  crash(downMs: number, how: "restart" | "promote"): void;
  /** Its sessions have gone with it. */
  forget(owner: Process): void;
  /** Nothing that runs goes on for so long. */
  freeze(ms: number): void;
  /** Commits wait for the standby for so long. */
  loseStandby(ms: number): void;
  fill(ms: number): void;
  /** It takes no writes for so long. */
  demote(ms: number): void;
  readonly sessions: ReadonlySet<SimulatedSession>;
  readonly deadlocks: number;
  /** Rows that are locked, and by which session. */
  held(): readonly string[];
}

export interface ClusterDeps {
  readonly time: VirtualTime;
  readonly observer: StorageObserver;
  readonly flaws: ReadonlySet<Flaw>;
  readonly latencyMs: () => number;
  readonly flushMs: () => number;
  readonly fateOf: (statement: string) => Fate;
  /** Of a transaction that writes: others are in its way. */
  readonly isContended: () => boolean;
  /** Of a notification on its way to one session. */
  readonly isLost: () => boolean;
  readonly tell: (text: string) => void;
}

/** A whole millisecond of a realistic present: fences are derived from it. */
export const BEGINNING: Instant = Date.UTC(2026, 7, 20, 12, 0, 0) * 1000;

const CONNECT_TIMEOUT_MS = 2_000;
/** Of each step of a statement: mostly none, so that most statements run in one go. */
const STEP_SHARE = 0.3;
const STEP_MS_MAX = 3;
const REPLICATE_MS_MAX = 1.5;
const LAG_MS = 40;
/** From a restart to when the standby follows again. */
const FOLLOW_MS_MAX = 1_500;

export function createCluster(deps: ClusterDeps): Cluster {
  const { time, observer, flaws, tell } = deps;
  const sessions = new Set<SimulatedSession>();
  /** Also those whose client has gone: they go on to their end, unless the server crashes. */
  const backends = new Set<Backend>();
  const stale = new Map<string, StoredRecord | null>();
  let steppedMs = 0;
  let downUntilMs = 0;
  let frozenUntilMs = 0;
  let standbyAwayUntilMs = 0;
  let fullUntilMs = 0;
  let demotedUntilMs = 0;
  let startedAt = 1;
  let timeline = 1;
  let deadlocks = 0;
  let locks = openLocks();

  const storage = createStorage({
    time,
    observer: {
      changed(change) {
        if (flaws.has("stale-reads")) time.after(LAG_MS, () => stale.set(change.row, change.record));
        observer.changed(change);
      },
      restored: observer.restored,
    },
    flushMs: deps.flushMs,
    replicateMs: () => Math.max(0, standbyAwayUntilMs - time.nowMs()) + time.between(0, REPLICATE_MS_MAX),
  });

  function openLocks(): Locks<Transaction> {
    return createLocks<Transaction>((cycle) => {
      deadlocks++;
      tell(`deadlock of ${cycle.map(({ name }) => name).join(" and ")}`);
      return databaseError("40P01");
    });
  }

  const now = () => BEGINNING + Math.floor((time.nowMs() + steppedMs) * 1000);

  const notify = (payload: string) => {
    for (const session of sessions) {
      const hear = ears.get(session);
      if (hear !== undefined && session.backend.isListening && !deps.isLost()) session.notified(payload, hear);
    }
  };
  const ears = new Map<SimulatedSession, (payload: string) => void>();

  const backendDeps = (): BackendDeps => ({
    ...{ time, storage, locks, flaws, notify },
    clock: now,
    isFull: () => time.nowMs() < fullUntilMs,
    isDemoted: () => time.nowMs() < demotedUntilMs,
    isContended: deps.isContended,
    staleRead: (row) => stale.get(row) ?? null,
    identity: () => ({
      standby: false,
      read_only: "off",
      started_at: startedAt,
      wal_file: `${timeline.toString(16).padStart(8, "0")}0000000000000001`,
    }),
    async step() {
      while (time.nowMs() < frozenUntilMs) await time.sleep(frozenUntilMs - time.nowMs());
      if (time.chance(STEP_SHARE)) await time.sleep(time.between(0, STEP_MS_MAX));
    },
  });

  return {
    now,
    msOf: (instant) => msBetween(BEGINNING, instant) - steppedMs,
    stepClock(ms) {
      steppedMs += ms;
    },
    async connect(owner, name, onNotification) {
      const reach = Promise.withResolvers<void>();
      const isDown = time.nowMs() < downUntilMs;
      // Where nobody is there, nobody may answer either.
      owner.after(isDown && time.chance(0.3) ? CONNECT_TIMEOUT_MS : deps.latencyMs() * 2, reach.resolve);
      await reach.promise;
      if (isDown || time.nowMs() < downUntilMs) {
        throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      }
      const backend = createBackend(name, backendDeps());
      backends.add(backend);
      const session: SimulatedSession = createSession({
        ...{ time, owner, backend },
        latencyMs: deps.latencyMs,
        fateOf: deps.fateOf,
        tell: (text) => tell(`${name}: ${text}`),
        onOver() {
          sessions.delete(session);
          ears.delete(session);
        },
      });
      sessions.add(session);
      if (onNotification !== undefined) ears.set(session, onNotification);
      return session;
    },
    crash(downMs, how) {
      downUntilMs = Math.max(downUntilMs, time.nowMs() + downMs);
      frozenUntilMs = 0;
      demotedUntilMs = 0;
      for (const session of [...sessions]) session.end(new Error("the server has gone"));
      sessions.clear();
      for (const backend of backends) backend.kill();
      backends.clear();
      locks = openLocks();
      startedAt++;
      if (how === "promote") timeline++;
      // What is recovered is there at once; nobody can see it before it is up.
      if (how === "promote") {
        standbyAwayUntilMs = 0;
        storage.promote();
      } else {
        standbyAwayUntilMs = Math.max(standbyAwayUntilMs, time.nowMs() + downMs + time.between(0, FOLLOW_MS_MAX));
        storage.restart();
      }
    },
    forget(owner) {
      for (const session of [...sessions]) {
        if (session.owner !== owner) continue;
        session.backend.hangUp();
        sessions.delete(session);
        ears.delete(session);
      }
    },
    freeze(ms) {
      frozenUntilMs = Math.max(frozenUntilMs, time.nowMs() + ms);
    },
    loseStandby(ms) {
      standbyAwayUntilMs = Math.max(standbyAwayUntilMs, time.nowMs() + ms);
    },
    fill(ms) {
      fullUntilMs = Math.max(fullUntilMs, time.nowMs() + ms);
    },
    demote(ms) {
      demotedUntilMs = Math.max(demotedUntilMs, time.nowMs() + ms);
    },
    sessions,
    get deadlocks() {
      return deadlocks;
    },
    held: () => locks.held(),
  };
}
