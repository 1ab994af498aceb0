import { systemClock } from "../../../src/clock.ts";
import type { ClaimAnswer, ClaimCall } from "../../../src/domain/calls.ts";
import { addMs, type Instant } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import { runClaims } from "../../../src/store/postgres/claim.ts";
import { type Connection, openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { runFinishes } from "../../../src/store/postgres/finish.ts";
import { runHeartbeats } from "../../../src/store/postgres/heartbeat.ts";
import { createOperators } from "../../../src/store/postgres/operators.ts";
import { peeked, runPeeks } from "../../../src/store/postgres/peek.ts";
import { runReclaims } from "../../../src/store/postgres/reclaim.ts";
import { runReconciles } from "../../../src/store/postgres/reconcile.ts";
import type { RecordRow } from "../../../src/store/postgres/record-row.ts";
import { createServerTime, type ServerTime } from "../../../src/store/postgres/server-time.ts";
import { runSettles } from "../../../src/store/postgres/settle.ts";
import { createSweep } from "../../../src/store/postgres/sweep.ts";
import { runWatches } from "../../../src/store/postgres/watch.ts";
import type { Store } from "../../../src/store/store.ts";
import { type Bench, createBench, freshKey } from "../../store/bench.ts";
import { createTestDatabase } from "../../support/database.ts";
import { freshToken, NOW } from "../../support/records.ts";

/** Two sessions with one database, and a third that looks on. */
export interface Sessions {
  readonly a: Session;
  readonly b: Session;
  readonly observer: Session;
  close(): Promise<void>;
}

/** @param who the owner, where a test changes the tables or has them analysed */
export async function openSessions(who: "server" | "owner" = "server"): Promise<Sessions> {
  const database = await createTestDatabase();
  const url = who === "owner" ? database.ownerUrl : database.url;
  const open = () => openSession({ url, clock: systemClock });
  const [a, b, observer] = await Promise.all([open(), open(), open()]);
  return {
    a,
    b,
    observer,
    async close() {
      await Promise.all([a, b, observer].map((session) => session.close()));
      await database.drop();
    },
  };
}

/** What one test has: a record of its own, a clock of its own, and callers on both sessions. */
export interface Scene {
  readonly key: RecordKey;
  /** Calls on one session, each a batch of one, each on its own while no transaction is open there. */
  readonly a: Bench;
  readonly b: Bench;
  readonly storeA: Store;
  readonly storeB: Store;
  readonly time: ServerTime;
  advance(ms: number): void;
  /** Runs `first` on session a in a transaction, `second` on b until b waits for a's lock, and commits then. */
  race<First, Second>(first: () => Promise<First>, second: () => Promise<Second>): Promise<[First, Second]>;
  /** Settles by the fence that was read; true where the record was as it had been read. */
  settleOn(session: Session, fence: bigint): Promise<boolean>;
  row(): Promise<RecordRow | null>;
  sql(text: string): Promise<void>;
}

export function createScene({ a, b, observer }: Sessions): Scene {
  let now: Instant = NOW;
  const key = freshKey();
  const time = createServerTime({ clock: systemClock, asOf: () => now });
  const setNow = (instant: Instant) => {
    now = instant;
  };
  const clock = { now: () => now, setNow, close: async () => {} };
  let isHeld = false;
  // The transaction that a race holds open is the one that a call would begin and end for itself.
  const held: Session = {
    ...a,
    query: async (statement, values) =>
      isHeld && /^(begin|commit)/.test(statement.text) ? [] : a.query(statement, values),
  };
  const [storeA, storeB] = [createSessionStore(held, time), createSessionStore(b, time)];
  return {
    key,
    time,
    a: createBench({ ...clock, store: storeA }, key),
    b: createBench({ ...clock, store: storeB }, key),
    storeA,
    storeB,
    advance: (ms) => setNow(addMs(now, ms)),
    async race(first, second) {
      await a.query({ name: "test_begin", text: "begin" }, []);
      try {
        isHeld = true;
        const done = await first().finally(() => {
          isHeld = false;
        });
        const racing = second();
        await Promise.race([someoneWaits(observer), racing.then(() => Promise.reject(new Error("b did not wait")))]);
        await a.query({ name: "test_commit", text: "commit" }, []);
        return [done, await racing];
      } catch (error) {
        await a.query({ name: "test_rollback", text: "rollback" }, []);
        throw error;
      }
    },
    settleOn: async (session, fence) => (await runSettles(session, [{ key, fence }], time))[0] !== null,
    row: async () => {
      const text = "select * from holdfast.record where tenant = $1 and scope = $2 and key = $3";
      const values = [key.tenant, key.scope, key.key];
      return (await observer.query<RecordRow>({ name: "test_row", text }, values))[0] ?? null;
    },
    sql: async (text) => {
      await a.query({ name: "", text: text.replaceAll("$record", where(key)) }, []);
    },
  };
}

const where = ({ tenant, scope, key }: RecordKey) => `tenant = '${tenant}' and scope = '${scope}' and key = '${key}'`;

/** As the batchers do it: what claims leave undecided is for reclaims. Null: undecided there too. */
export async function claimAll(
  session: Connection,
  calls: readonly ClaimCall[],
  time: ServerTime,
): Promise<(ClaimAnswer | null)[]> {
  const first = await runClaims(session, calls, time);
  const left = calls.filter((_, i) => first[i] === null);
  const second = left.length === 0 ? [] : await runReclaims(session, left, time);
  return first.map((answer) => answer ?? second.shift() ?? null);
}

const ROUNDS = 3;

/** The run functions behind the port, each call a batch of its own that is tried as often as the batcher would. */
export function createSessionStore(session: Session, time: ServerTime): Store {
  const sweep = createSweep(time);
  const one = async <Call, Answer>(
    run: (session: Session, calls: readonly Call[], time: ServerTime) => Promise<readonly (Answer | null)[]>,
    call: Call,
  ): Promise<Answer> => {
    for (let round = 0; round < ROUNDS; round++) {
      const [answer] = await run(session, [call], time);
      if (answer === undefined) throw new Error("bug: no answer to a batch of one");
      if (answer !== null) return answer;
    }
    throw new Error(`undecided after ${ROUNDS} rounds`);
  };

  return {
    ...createOperators({
      look: (work) => work(session),
      change: (work) => work(session),
      clock: systemClock,
      observer: silentObserver,
      time,
      newToken: freshToken,
    }),
    claim: (call) => one(call.intent === "execute" ? claimAll : runReconciles, call),
    heartbeat: (call) => one(runHeartbeats, call),
    finish: (call) => one(runFinishes, call),
    peek: async (key) => peeked(await one(runPeeks, { key })),
    watch: (call) => one(runWatches, call),
    sweep: (limit) => sweep(session, limit),
  };
}

/** Resolves once a session of this database is stopped by a lock that another one holds. */
export async function someoneWaits(observer: Session): Promise<void> {
  const text = `select exists (
    select from pg_stat_activity
    where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0
  ) as waits`;
  for (let tries = 0; tries < 5_000; tries++) {
    const [row] = await observer.query<{ waits: boolean }>({ name: "test_waits", text }, []);
    if (row?.waits === true) return;
  }
  throw new Error("nobody waits for a lock");
}
