import { DatabaseError } from "pg";
import type { Instant } from "../../domain/instant.ts";
import type { Session } from "./connection.ts";
import { WrongPrimary } from "./errors.ts";

/**
 * Guards against a database that is not the one it was.
 *
 * A commit that waits for a synchronous standby becomes visible on the primary when the wait is cut short: by a restart,
 * a promotion, or the end of its session. What is visible then can still be lost by a failover, so nothing read from it
 * may be answered before it is durable. The barrier is one WAL message in a transaction of its own: WAL is ordered, and
 * its commit waits like any other, so once it returned everything visible before it is as durable as it. Without a
 * synchronous standby it proves the local flush only.
 *
 * The barrier runs once for each generation. A generation begins when the database's identity changes or a session is
 * lost, and every session waits for it before its next statement, and with the answers to those that are under way.
 */
export interface Epoch {
  /** Judges a fresh session's database; throws WrongPrimary when it must not be used. */
  admit(session: Session): Promise<void>;
  /** While true, a session must pass before it is used, and before an answer from it is given. */
  isBarrierDue(): boolean;
  /**
   * Returns once the generation's barrier has, run on another session or on this one, which has no transaction open. What is
   * under way there is answered first.
   */
  pass(session: Session): Promise<void>;
  /** False once a newer identity was seen: an answer from that session counts for nothing. */
  isCurrent(session: Session): boolean;
  /** Resolves when an admitted session is no longer current. One that lies idle behind a pooler does not see it itself. */
  overtaken(session: Session): Promise<void>;
  /** A session was lost. */
  suspect(): void;
  /** The database said that it is no primary any more: no session is current. */
  retire(): void;
}

interface Identity {
  /** null: the role may not ask. Then a change of cluster shows as a restart only. */
  readonly systemIdentifier: string | null;
  readonly timeline: number;
  readonly startedAt: Instant;
}

/** From when an identity was seen to when another one was. */
interface Reign extends Identity {
  readonly over: PromiseWithResolvers<void>;
}

export function createEpoch(): Epoch {
  const reigns = new WeakMap<Session, Reign>();
  let current: Reign | null = null;
  let systemIdentifier: string | null = null;
  let timelineMax = 0;
  let generation = 1;
  let passed = 0;
  let underWay: Promise<void> | null = null;

  const runBarrier = async (session: Session) => {
    const covers = generation;
    await session.query(barrier, [], BARRIER_TIMEOUT_MS);
    passed = Math.max(passed, covers);
  };

  return {
    async admit(session) {
      const seen = await identify(session);
      systemIdentifier ??= seen.systemIdentifier;
      if (seen.systemIdentifier !== null && seen.systemIdentifier !== systemIdentifier) {
        throw new WrongPrimary("another database cluster answers at this address");
      }
      if (seen.timeline < timelineMax) {
        throw new WrongPrimary(`a primary of timeline ${seen.timeline} answers, but ${timelineMax} was seen before`);
      }
      timelineMax = seen.timeline;
      if (current === null || current.timeline !== seen.timeline || current.startedAt !== seen.startedAt) {
        current?.over.resolve();
        current = { ...seen, over: Promise.withResolvers() };
        generation++;
      }
      reigns.set(session, current);
    },

    isBarrierDue: () => passed < generation,

    async pass(session) {
      while (passed < generation) {
        if (underWay === null) {
          underWay = runBarrier(session).finally(() => {
            underWay = null;
          });
          await underWay;
        } else {
          // Somebody else's session; if it fails there, the next turn of the loop runs it on this one.
          await underWay.catch(() => undefined);
        }
      }
    },

    isCurrent: (session) => current !== null && reigns.get(session) === current,

    async overtaken(session) {
      await reigns.get(session)?.over.promise;
    },

    suspect() {
      generation++;
    },

    retire() {
      current?.over.resolve();
      current = null;
    },
  };
}

/** Long: while a standby is away its commit waits, and each one given up leaves a server process behind that waits on. */
const BARRIER_TIMEOUT_MS = 30_000;

const barrier = {
  name: "holdfast_barrier",
  text: "select pg_logical_emit_message(true, 'holdfast', 'barrier')",
};

/**
 * The timeline is the one that WAL is being written to. `pg_control_checkpoint()` still names the former one after a
 * promotion, until the first checkpoint is over.
 */
const identity = {
  name: "holdfast_identity",
  text: `select pg_is_in_recovery() as standby,
                current_setting('transaction_read_only') as read_only,
                pg_postmaster_start_time() as started_at,
                case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end as wal_file`,
};

const cluster = {
  name: "holdfast_cluster",
  text: "select system_identifier::text as system_identifier from pg_control_system()",
};

const TIMELINE_DIGITS = 8;

interface IdentityRow {
  readonly standby: boolean;
  readonly read_only: "on" | "off";
  readonly started_at: Instant;
  readonly wal_file: string | null;
}

async function identify(session: Session): Promise<Identity> {
  const [row] = await session.query<IdentityRow>(identity, []);
  if (row === undefined) throw new Error("bug: no row from holdfast_identity");
  if (row.standby || row.wal_file === null) throw new WrongPrimary("the database is a standby, not a primary");
  // For somebody who moves what it has elsewhere, say: each write would be refused, and a login that is taken is no sign.
  if (row.read_only === "on")
    throw new WrongPrimary("the primary takes no writes: default_transaction_read_only is on");
  return {
    systemIdentifier: await systemIdentifierOf(session),
    timeline: Number.parseInt(row.wal_file.slice(0, TIMELINE_DIGITS), 16),
    startedAt: row.started_at,
  };
}

const NOT_ALLOWED = ["42501", "42883", "0A000"];

/** Open to every role from 15 to 18, but hosted services may have closed it. */
async function systemIdentifierOf(session: Session): Promise<string | null> {
  try {
    const [row] = await session.query<{ system_identifier: string }>(cluster, []);
    return row?.system_identifier ?? null;
  } catch (error) {
    if (error instanceof DatabaseError && NOT_ALLOWED.includes(error.code ?? "")) return null;
    throw error;
  }
}
