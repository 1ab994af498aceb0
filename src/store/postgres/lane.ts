import type { Clock } from "../../clock.ts";
import { backOffMs } from "./back-off.ts";
import type { Connection, Session } from "./connection.ts";
import type { Epoch } from "./epoch.ts";
import { ConnectionLost, failureOf, NotDurableYet, unavailable } from "./errors.ts";
import { createTurns, type TurnOptions } from "./turns.ts";
import { createWakeUp } from "./wake-up.ts";

/**
 * One session that is opened anew whenever it ends.
 *
 * ```
 *  connecting ── admitted by the epoch ──▶ open ── lost, given up, or of a former epoch ──▶ connecting
 *      │ ▲                                  │ ▲
 *      └─┘ failed: back off                 └─┘ run: so many at a time, behind the epoch's barrier
 * ```
 */
export interface Lane {
  run<T>(work: (connection: Connection) => Promise<T>, options?: TurnOptions): Promise<T>;
  readonly opened: Promise<void>;
  isOpen(): boolean;
  isBusy(): boolean;
  /** How many turns wait for a session that they may use: none once it was refused. */
  waiting(): number;
  /** Why it is down; null while it is open. */
  trouble(): Error | null;
  close(): Promise<void>;
}

export interface LaneDeps {
  readonly open: () => Promise<Session>;
  readonly epoch: Epoch;
  readonly clock: Clock;
  readonly random: () => number;
  /** So many turns are taken at a time. Two: while the database works on one statement, the next lies there already. */
  readonly atOnce: number;
  /** So many turns may wait, and those that do are refused when the lane closes. Null: any number, and all are finished. */
  readonly waitingMax: number | null;
}

/** Long enough for one reconnect, short enough that a caller who cannot be served hears of it at once. */
const PATIENCE_MS = 250;
/** A session that ended sooner than this counts as a failed attempt: the next one backs off. */
const SETTLED_MS = 100;

export function createLane({ open, epoch, clock, random, atOnce, waitingMax }: LaneDeps): Lane {
  const closing = new AbortController();
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => undefined); // Nobody need wait for it.
  /** A session was opened, or its way through the barrier has ended. */
  const change = createWakeUp();
  let session: Session | null = null;
  /** Goes on when the turn that began it was refused; the next turns wait for the same one. */
  let passing: Session | null = null;
  let trouble: Error | null = null;
  /** Since when callers find no session that they may use; null while they do. */
  let unreadySince: number | null = clock.monotonicMs();
  let busy = 0;
  let shortages = 0;
  let restUntil = 0;
  const turns = createTurns(waitingMax ?? Number.POSITIVE_INFINITY, atOnce);
  let closed = false;

  const forget = (ended: Session, cause: Error) => {
    if (session !== ended) return;
    session = null;
    unreadySince ??= clock.monotonicMs();
    trouble = cause;
    if (!closing.signal.aborted) epoch.suspect();
  };

  const giveUp = (held: Session, cause: Error) => {
    held.drop(cause);
    forget(held, cause);
  };

  const holdOne = async () => {
    const fresh = await open();
    try {
      await epoch.admit(fresh);
      closing.signal.throwIfAborted();
    } catch (error) {
      fresh.drop(toError(error));
      throw error;
    }
    session = fresh;
    trouble = null;
    unreadySince = null;
    change.all();
    opened.resolve();
    // Whoever is at it on this session would not be believed anyway.
    void epoch.overtaken(fresh).then(() => giveUp(fresh, formerEpoch()));
    forget(fresh, await fresh.over);
  };

  const keepOpen = async () => {
    for (let failures = 0; !closing.signal.aborted; ) {
      const startedAt = clock.monotonicMs();
      try {
        await holdOne();
        failures = clock.monotonicMs() - startedAt > SETTLED_MS ? 0 : failures + 1;
      } catch (error) {
        trouble = toError(error);
        failures++;
      }
      if (failures > 0) await nap(backOffMs(failures, random));
    }
  };

  const nap = (ms: number) => clock.sleep(ms, closing.signal).catch(() => undefined);

  /** A session that may be used now; ends with the signal's reason otherwise. */
  const usable = async (signal: AbortSignal): Promise<Session> => {
    for (;;) {
      if (session !== null && !epoch.isCurrent(session)) {
        giveUp(session, formerEpoch());
      }
      if (session !== null) {
        if (!epoch.isBarrierDue()) return session;
        if (passing !== session) void passBarrier(session);
      }
      await change.next(signal);
    }
  };

  const passBarrier = async (held: Session) => {
    passing = held;
    try {
      await epoch.pass(held);
    } catch (error) {
      afterFailure(held, error);
      trouble = toError(error);
      await nap(backOffMs(1, random));
    } finally {
      if (passing === held) passing = null;
      change.all();
    }
  };

  const isUsable = (held: Session | null): held is Session =>
    held !== null && epoch.isCurrent(held) && !epoch.isBarrierDue();

  const usableInTime = async (): Promise<Session> => {
    const found = isUsable(session) ? session : await usableSoon();
    unreadySince = null;
    trouble = null;
    return found;
  };

  /** Waits for as long as a caller is let wait; rejects with a Fault STORE_UNAVAILABLE then. */
  const usableSoon = async (): Promise<Session> => {
    unreadySince ??= clock.monotonicMs();
    const leftMs = Math.max(0, unreadySince + PATIENCE_MS - clock.monotonicMs());
    const over = new AbortController();
    try {
      const late = clock.sleep(leftMs, over.signal).then(() => {
        throw trouble ?? new NotDurableYet();
      });
      return await Promise.race([usable(over.signal), late]);
    } catch (error) {
      throw unavailable(error);
    } finally {
      over.abort();
    }
  };

  const afterFailure = (held: Session, error: unknown) => {
    const failure = failureOf(error);
    if (failure === "not-primary") epoch.retire();
    if (failure === "exhausted") restUntil = clock.monotonicMs() + backOffMs(++shortages, random);
    if (failure === "lost" || failure === "not-primary") giveUp(held, toError(error));
  };

  const use = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const restMs = restUntil - clock.monotonicMs();
    if (restMs > 0) await nap(restMs);
    const held = await usableInTime();
    busy++;
    try {
      const answer = await work(held);
      // A session was lost after this was sent: it may have run after that, and tell of what is not durable. No barrier in
      // time is no loss of this session: to send it again would be in vain, and whoever is behind it would be lost too.
      if (epoch.isBarrierDue()) await usableInTime();
      // Last: the barrier may have been another server's.
      if (!epoch.isCurrent(held)) throw new ConnectionLost(new Error("the answer comes from a former epoch"));
      shortages = 0;
      return answer;
    } catch (error) {
      afterFailure(held, error);
      throw error;
    } finally {
      busy--;
    }
  };

  const running = keepOpen();

  return {
    run(work, options) {
      if (closed) return Promise.reject(storeClosed());
      return turns.take(() => use(work), options);
    },
    opened: opened.promise,
    isOpen: () => session !== null && epoch.isCurrent(session),
    isBusy: () => busy > 0,
    waiting: () => change.waiting,
    trouble: () => trouble,
    async close() {
      closed = true;
      if (waitingMax !== null) turns.refuse(storeClosed());
      await turns.idle();
      closing.abort(new Error("the store is closed"));
      opened.reject(closing.signal.reason);
      await session?.close();
      await running;
    },
  };
}

function formerEpoch(): Error {
  return new Error("a newer epoch of the database was seen");
}

function storeClosed(): Error {
  return unavailable(new Error("the store is closed"));
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
