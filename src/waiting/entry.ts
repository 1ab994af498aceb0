import type { Clock } from "../clock.ts";
import type { Peeked } from "../domain/calls.ts";
import { msBetween } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import { hasEnded, type StoredRecord } from "../domain/record.ts";
import type { Store } from "../store/store.ts";
import { createAlarm } from "./alarm.ts";
import type { WaitingObserver, WakePath } from "./observer.ts";
import { msUntilDue, saysTheSame } from "./reading.ts";
import type { Waiter } from "./waiter.ts";

/**
 * All waiters of one record on this server. However many they are, the record is read, flagged and claimed once for all.
 *
 * ```
 *             ┌──────────── rung: wake, timer, backstop ────────────┐
 *             ▼                                                     │
 *  join ──▶ read ──▶ show to waiters ──▶ claim for the oldest ──▶ flag ──▶ rest
 *             ▲                              │ told of it            │
 *             └── failed, after a pause      └──▶ show               └──▶ ended, or flagged by another server: read
 * ```
 *
 * A waiter is in the set before anything is read for it. That and the flag are why no end is missed: an end that commits
 * before the read is seen by it; one that commits before the flag leaves nothing to flag, so the record is read again;
 * one that commits after the flag finds it, and rings. See docs/decisions/0005-waiting.md for every order of events.
 */
export interface Entry {
  join(waiter: Waiter): void;
  leave(waiter: Waiter): void;
  /** The record may have changed: it will be read once more, also if a read is under way. */
  ring(path: WakePath): void;
  /** The server shuts down: every waiter is to leave. */
  dismiss(): void;
  /** Rings if the record was not read for so long and is not being read. */
  ringIfOlder(ms: number): void;
  readonly size: number;
}

export interface EntryDeps {
  readonly store: Pick<Store, "peek" | "watch">;
  readonly clock: Clock;
  readonly observer: WaitingObserver;
  /** Notifications arrive: what was read of a flagged record stays true until one does. */
  readonly isListening: () => boolean;
  /** The last waiter has left; this entry does nothing from here on. */
  readonly onEmpty: () => void;
}

/** The database did not answer; the lanes have been patient already. */
const RETRY_MS = 250;
/** Shown in one step; others get their turn in between. */
const AUDIENCE = 256;

export function createEntry(key: RecordKey, { store, clock, observer, isListening, onEmpty }: EntryDeps): Entry {
  /** In the order of their age. */
  const waiters = new Set<Waiter>();
  /** Those of them who have not seen what was read last. */
  const unseen = new Set<Waiter>();
  /** Those of them for whom nothing was read yet. */
  const newcomers = new Set<Waiter>();
  const claimants = new Set<Waiter>();
  const owners = new Set<Waiter>();
  const alarm = createAlarm(clock);
  let seen: Peeked | null = null;
  let askedMs = Number.NEGATIVE_INFINITY;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  let isStale = true;
  let isFlagged = false;
  let path: WakePath = "polled";
  let isAttended = false;

  const ring = (by: WakePath) => {
    if (!isStale) path = by;
    isStale = true;
    alarm.ring();
  };

  const leave = (waiter: Waiter) => {
    for (const group of [waiters, unseen, newcomers, claimants, owners]) group.delete(waiter);
    if (waiters.size === 0) alarm.ring();
  };

  const learn = (news: Peeked, sinceMs: number) => {
    const isNew = seen === null || !saysTheSame(seen, news);
    seen = news;
    askedMs = sinceMs;
    isFlagged = news.record?.hasWaiters ?? false;
    readAtMs = clock.monotonicMs();
    if (!isNew) return;
    claimants.clear();
    owners.clear();
    // Emptied first, or a newcomer who is among them already would come before those who are older.
    unseen.clear();
    for (const waiter of waiters) if (!newcomers.has(waiter)) unseen.add(waiter);
  };

  /** What was read last is still so, unless a notification is on its way. An end is read anew: it may have been reset. */
  const isTrueStill = () =>
    isFlagged && isListening() && seen !== null && seen.record !== null && !hasEnded(seen.record);

  const welcome = () => {
    for (const waiter of newcomers) unseen.add(waiter);
    newcomers.clear();
  };

  /** Runs a call to the store; false when it failed. */
  const attempt = async (call: () => Promise<void>): Promise<boolean> => {
    isBusy = true;
    try {
      await call();
      return true;
    } catch (error) {
      observer.failed(error);
      return false;
    } finally {
      isBusy = false;
    }
  };

  const read = () =>
    attempt(async () => {
      isStale = false;
      welcome();
      const by = path;
      const sinceMs = clock.monotonicMs();
      const news = await store.peek(key, Number.POSITIVE_INFINITY);
      noteEnd(seen, news, by);
      learn(news, sinceMs);
      // Of those who came meanwhile: the record may have been claimed, or claimed again, after the reading and before they
      // came, so to them it must be neither absent nor ended. Otherwise what they do not see yet comes to them like to all.
      if (news.record !== null && !hasEnded(news.record)) welcome();
      else if (newcomers.size > 0) isStale = true;
    });

  /** Whoever changes state or fence from here on finds the flag; if one of them has changed already, it is not set. */
  const flag = (record: StoredRecord) =>
    attempt(async () => {
      const { state, lease } = record;
      isFlagged = await store.watch({ key, state, fence: lease.fence }, Number.POSITIVE_INFINITY);
      if (isFlagged) welcome();
      else isStale = true;
    });

  const noteEnd = (before: Peeked | null, { record, now }: Peeked, by: WakePath) => {
    const wasOpen = before !== null && (before.record === null || !hasEnded(before.record));
    if (wasOpen && record !== null && record.endTime !== null) observer.woke(by, msBetween(record.endTime, now));
  };

  const show = async (news: Peeked) => {
    let shown = 0;
    for (const waiter of unseen) {
      unseen.delete(waiter);
      const wish = waiter.see(news, askedMs);
      if (wish === "claim") claimants.add(waiter);
      if (wish === "claim-at-once") owners.add(waiter);
      if (wish === "read-again") {
        newcomers.add(waiter);
        isStale = true;
      }
      if (++shown % AUDIENCE === 0) await clock.turn();
    }
  };

  /** True when a claim has told of the record, false when nobody wishes to claim it, null when the store failed. */
  const claim = async (): Promise<boolean | null> => {
    for (;;) {
      const next = first(owners) ?? first(claimants);
      if (next === undefined) return false;
      owners.delete(next);
      claimants.delete(next);
      const sinceMs = clock.monotonicMs();
      const submitted = await next.claim();
      if (submitted === "failed") return null;
      if (submitted === "refused") continue;
      learn(submitted, sinceMs);
      return true;
    }
  };

  const pause = async () => {
    isStale = true;
    await alarm.rest(RETRY_MS);
  };

  /** One turn of the picture above. */
  const turn = async () => {
    if (isStale && !(await read())) return await pause();
    const news = seen;
    if (news === null) throw new Error("bug: nothing was read");
    await show(news);
    const told = await claim();
    if (told === null) return await pause();
    if (told || waiters.size === 0 || isStale || unseen.size > 0) return;
    if (news.record !== null && !hasEnded(news.record) && !isFlagged) {
      if (!(await flag(news.record))) await pause();
      return;
    }
    if (!(await alarm.rest(msUntilDue(news) - (clock.monotonicMs() - readAtMs)))) return;
    isStale = true;
    path = "polled";
  };

  const attend = async () => {
    isAttended = true;
    while (waiters.size > 0) await turn();
    isAttended = false;
    onEmpty();
  };

  return {
    join(waiter) {
      waiters.add(waiter);
      if (!isBusy && isTrueStill()) unseen.add(waiter);
      else {
        newcomers.add(waiter);
        if (!isBusy) isStale = true;
      }
      if (isAttended) alarm.ring();
      else void attend();
    },
    leave,
    ring,
    ringIfOlder(ms) {
      // Of an end nothing more comes; whoever still has it is slow.
      const isOver = seen !== null && seen.record !== null && hasEnded(seen.record);
      if (!isBusy && !isStale && !isOver && clock.monotonicMs() - readAtMs >= ms) ring("polled");
    },
    dismiss() {
      for (const waiter of [...waiters]) waiter.dismiss();
    },
    get size() {
      return waiters.size;
    },
  };
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  for (const element of set) return element;
  return undefined;
}
