import { type Instant, msBetween } from "../../../src/domain/instant.ts";
import { keyText, type RecordKey } from "../../../src/domain/key.ts";
import { hasEnded, isOutcomeUnknown, type StoredRecord } from "../../../src/domain/record.ts";
import { asPeeked } from "./answers.ts";
import { type Judge, nameOf, type Version, wordsOf } from "./judge.ts";

/** Somebody who waits on a server, from when the server knows of it. */
export type Wait = {
  readonly key: RecordKey;
  readonly who: string;
  readonly sinceMs: number;
  /** On which server. */
  readonly server: string;
} & (
  | { readonly by: "claim" }
  /** What it was told last; undefined: nothing yet. */
  | { readonly by: "onlooker"; knows: string | undefined }
);

/** Nobody waits longer than may be after there is something to be told. */
export interface Waits {
  begin(wait: Wait): void;
  end(wait: Wait): void;
  /** A claim on that server has acquired. */
  acquired(server: string, key: RecordKey, fence: bigint): void;
  /** What went wrong does so until then: from when on it is to be told. */
  disturb(untilMs: number): void;
  /** Accuses whoever is overdue. */
  look(): void;
  readonly open: number;
}

export interface WaitsDeps {
  readonly judge: Judge;
  readonly nowMs: () => number;
  readonly databaseNow: () => Instant;
  readonly boundMs: () => number;
  /** There is a time after which a record is read although nobody has said that it changed. */
  readonly hasBackstop: boolean;
}

export function createWaits({ judge, nowMs, databaseNow, boundMs, hasBackstop }: WaitsDeps): Waits {
  const open = new Set<Wait>();
  const claimedOn = new Map<string, string>();
  let disturbedUntilMs = 0;

  /**
   * Nobody flags what is not there, so nobody on another server tells of it when it comes: whoever waits reads it now and
   * then. A claim on its own server wakes it all the same, and from then on it is told of everything.
   */
  const isOnItsOwn = (wait: Wait): boolean => {
    const since = judge.window(wait.key, wait.sinceMs, nowMs());
    // The sweeper gives up an attempt for good without a word.
    if (since.at(-1)?.cause?.kind === "settle") return true;
    // One that is forgotten is absent to whoever reads it, though it may still be there.
    const wasAbsent = wait.by === "onlooker" && wait.knows === "absent";
    const absent = since.findLastIndex(({ record }) => record === null);
    if (absent < 0 && !wasAbsent) return false;
    const created = (wasAbsent ? since.at(-1) : since[absent + 1])?.record ?? null;
    return created === null || claimedOn.get(`${keyText(wait.key)} ${created.lease.fence}`) !== wait.server;
  };

  /** Since when there is something to tell; null: there is nothing. */
  const actionableSinceMs = (wait: Wait, version: Version): number | null => {
    const { fromMs, fromNow } = version;
    const now = databaseNow();
    const record = asPeeked(version.record, now);
    if (!hasBackstop && isOnItsOwn(wait)) return null;
    if (wait.by === "onlooker") {
      // One that was claimable is gone without a word: nobody can do otherwise than before.
      if (record === null && wait.knows !== undefined) return null;
      return wait.knows === knownOf(record) ? null : fromMs;
    }
    if (record === null || hasEnded(record) || record.state === "outcome-unknown") return fromMs;
    if (!isOutcomeUnknown(record, now) && record.due > now) return null;
    return record.due <= fromNow ? fromMs : Math.max(fromMs, nowMs() - msBetween(record.due, now));
  };

  return {
    begin: (wait) => void open.add(wait),
    end: (wait) => void open.delete(wait),
    acquired: (server, key, fence) => void claimedOn.set(`${keyText(key)} ${fence}`, server),
    disturb(untilMs) {
      disturbedUntilMs = Math.max(disturbedUntilMs, untilMs);
    },
    look() {
      for (const wait of open) {
        const version = judge.currentOf(wait.key);
        const sinceMs = actionableSinceMs(wait, version);
        if (sinceMs === null) continue;
        const overdueMs = nowMs() - Math.max(sinceMs, wait.sinceMs, disturbedUntilMs) - boundMs();
        if (overdueMs <= 0) continue;
        judge.accuse(`${nameOf(wait.key)}: ${wait.who} waits too long; the record is ${wordsOf(version.record)}`);
      }
    },
    get open() {
      return open.size;
    },
  };
}

/** What of a record an onlooker is to be told. */
export function knownOf(record: StoredRecord | null): string {
  return record === null ? "absent" : `${record.state} ${record.lease.fence}`;
}
