import type { Instant } from "../../../src/domain/instant.ts";
import { keyText, type RecordKey } from "../../../src/domain/key.ts";
import { type StoredRecord, sameBytes } from "../../../src/domain/record.ts";
import type { Cause, Change } from "../postgres/cause.ts";
import type { StorageObserver } from "../postgres/storage.ts";
import type { VirtualTime } from "../time.ts";
import { wrongWith } from "./rules.ts";
import { sameDurably } from "./same.ts";

/** What a record was from one moment to another. */
export interface Version {
  readonly index: number;
  /** Null: there was none. */
  readonly record: StoredRecord | null;
  readonly fromMs: number;
  /** The database's clock then. */
  readonly fromNow: Instant;
  toMs: number;
  /** Null: the beginning, or a crash. */
  readonly cause: Cause | null;
}

/** Knows every version of every record in the order of their commits, and says what breaks a promise first. */
export interface Judge extends StorageObserver {
  versionsOf(key: RecordKey): readonly Version[];
  currentOf(key: RecordKey): Version;
  /** Those that it had at some moment of this time. */
  window(key: RecordKey, fromMs: number, toMs: number): readonly Version[];
  /** Somebody was told of this version: what is durable of it must not be lost. */
  acknowledge(key: RecordKey, version: Version): void;
  /** The claim under this token was said not to have been made. */
  deny(token: Uint8Array): void;
  /** Nobody waits any more for the claim under this token: it may acquire for a while, and then not any more. */
  giveUp(token: Uint8Array): void;
  /** The first one counts. */
  accuse(what: string): void;
  readonly accusation: string | null;
  readonly keys: readonly RecordKey[];
}

export interface JudgeDeps {
  readonly time: VirtualTime;
  /** Nobody sets the database's clock. */
  readonly isClockKept: boolean;
  readonly databaseNow: () => Instant;
  readonly tell: (text: string) => void;
}

/** A claim says until when it may acquire: so long after it was sent. */
const LATE_MS_MAX = 5_000;

interface Life {
  readonly key: RecordKey;
  readonly versions: Version[];
  acknowledged: number;
  fenceMax: bigint;
}

export function createJudge({ time, isClockKept, databaseNow, tell }: JudgeDeps): Judge {
  const lives = new Map<string, Life>();
  const denied: Uint8Array[] = [];
  const givenUp: { readonly token: Uint8Array; readonly atMs: number }[] = [];
  let accusation: string | null = null;

  const lifeOf = (key: RecordKey): Life => {
    const name = keyText(key);
    let life = lives.get(name);
    if (life === undefined) {
      const first = { index: 0, record: null, fromMs: 0, fromNow: 0, toMs: Number.POSITIVE_INFINITY, cause: null };
      life = { key, versions: [first], acknowledged: 0, fenceMax: 0n };
      lives.set(name, life);
    }
    return life;
  };

  const lastOf = ({ versions }: Life): Version => {
    const last = versions.at(-1);
    if (last === undefined) throw new Error("bug: a life without a version");
    return last;
  };

  const add = (life: Life, record: StoredRecord | null, cause: Cause | null) => {
    const last = lastOf(life);
    const fromMs = time.nowMs();
    last.toMs = fromMs;
    const toMs = Number.POSITIVE_INFINITY;
    life.versions.push({ index: last.index + 1, record, fromMs, fromNow: databaseNow(), toMs, cause });
  };

  const accuse = (what: string) => {
    if (accusation === null) tell(`wrong: ${what}`);
    accusation ??= what;
  };

  /** A fence that was given out is never given out again, nor a lower one. */
  const lookAtFence = (life: Life, before: StoredRecord | null, after: StoredRecord | null) => {
    if (after === null) return;
    const { fence } = after.lease;
    if (fence === before?.lease.fence) return;
    if (fence <= life.fenceMax) accuse(`${nameOf(life.key)}: the fence does not rise`);
    if (fence > life.fenceMax) life.fenceMax = fence;
  };

  const lookAtDelay = (key: RecordKey, token: Uint8Array) => {
    const ago = givenUp.find((one) => sameBytes(one.token, token));
    if (ago === undefined || time.nowMs() - ago.atMs <= LATE_MS_MAX) return;
    accuse(`${nameOf(key)}: a claim acquires long after it was given up`);
  };

  return {
    changed({ key, record, cause }: Change) {
      const life = lifeOf(key);
      const before = lastOf(life).record;
      const wrong = wrongWith(before, record, cause);
      if (wrong !== null) accuse(`${nameOf(key)}: ${wrong}`);
      lookAtFence(life, before, record);
      if (cause.kind === "claim" && denied.some((token) => sameBytes(token, cause.call.token))) {
        accuse(`${nameOf(key)}: a claim acquires of which it was said that it was not made`);
      }
      if (cause.kind === "claim" && isClockKept) lookAtDelay(key, cause.call.token);
      add(life, record, cause);
    },
    restored(key, record) {
      const life = lifeOf(key);
      const { versions, acknowledged } = life;
      const told = versions[acknowledged];
      const isKept = versions.some(
        (version, index) =>
          sameDurably(version.record, record) &&
          (index >= acknowledged || (told !== undefined && sameDurably(told.record, record))),
      );
      if (!isKept) accuse(`${nameOf(key)}: what somebody was told of is lost: ${wordsOf(told?.record ?? null)}`);
      // What nobody was told of may be given out again.
      const fences = versions.slice(0, acknowledged + 1).map((version) => version.record?.lease.fence ?? 0n);
      life.fenceMax = [record?.lease.fence ?? 0n, ...fences].reduce((max, fence) => (fence > max ? fence : max));
      add(life, record, null);
    },
    versionsOf: (key) => lifeOf(key).versions,
    currentOf: (key) => lastOf(lifeOf(key)),
    window: (key, fromMs, toMs) =>
      lifeOf(key).versions.filter((version) => version.toMs >= fromMs && version.fromMs <= toMs),
    acknowledge(key, version) {
      const life = lifeOf(key);
      life.acknowledged = Math.max(life.acknowledged, version.index);
    },
    deny(token) {
      const isMade = (cause: Cause | null) => cause?.kind === "claim" && sameBytes(cause.call.token, token);
      for (const { key, versions } of lives.values()) {
        if (versions.some(({ cause }) => isMade(cause))) accuse(`${nameOf(key)}: a claim was made that was refused`);
      }
      denied.push(token);
    },
    giveUp: (token) => void givenUp.push({ token, atMs: time.nowMs() }),
    accuse,
    get accusation() {
      return accusation;
    },
    get keys() {
      return [...lives.values()].map(({ key }) => key);
    },
  };
}

/** Of a key, for people. */
export function nameOf({ tenant, scope, key }: RecordKey): string {
  return `${tenant}: ${scope} ${key}`;
}

/** Of a record, for people: what it is, and whose. */
export function wordsOf(record: StoredRecord | null): string {
  if (record === null) return "absent";
  return `${record.state}, attempt ${record.attempt} of ${record.claimId.trim()}`;
}
