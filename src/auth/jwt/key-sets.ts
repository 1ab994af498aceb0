import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import { createBoundedMap } from "../../tenants/validators/bounded-map.ts";
import type { GuardedFetch } from "../../tenants/validators/guarded-fetch.ts";
import { readKeySet } from "../key-set.ts";

/** The keys that issuers publish, remembered. */
export interface KeySets {
  /**
   * The keys published at this URL; fetched again first when they are old, or when none has this kid. Rejects when
   * there are none, with `Fault` DEADLINE_EXCEEDED when `deadline` passes while they are being fetched.
   */
  keysAt(url: string, kid: string | undefined, deadline: number): Promise<JWTVerifyGetKey>;
}

export interface KeySetsDeps {
  readonly clock: Clock;
  readonly fetch: GuardedFetch;
}

const MINUTE_MS = 60_000;

/** How long keys are taken for current: a key that was withdrawn is believed for so long. */
const FRESH_MS = 10 * MINUTE_MS;

/** How long keys serve while they cannot be fetched. */
const STALE_MS_MAX = 60 * MINUTE_MS;

/** Between two fetches, however many unknown kids come along. */
const COOLDOWN_MS = 30_000;

const URLS_MAX = 1000;

/** Of the key sets as they were published, all together. */
const KEY_SET_BYTES_MAX = 32 * 1024 * 1024;

interface Published {
  readonly keys: JWTVerifyGetKey;
  readonly kids: ReadonlySet<string>;
  readonly fetchedMs: number;
}

interface Entry {
  published: Published | null;
  askedMs: number;
  /** Why the last fetch brought nothing; null when it brought keys. */
  failure: unknown;
  underWay: Promise<void> | null;
}

export function createKeySets({ clock, fetch }: KeySetsDeps): KeySets {
  const entries = createBoundedMap<Entry>({ entriesMax: URLS_MAX, weightMax: KEY_SET_BYTES_MAX });

  const entryOf = (url: string): Entry => {
    const known = entries.get(url);
    if (known !== undefined) return known;
    const entry: Entry = { published: null, askedMs: Number.NEGATIVE_INFINITY, failure: null, underWay: null };
    entries.set(url, entry);
    return entry;
  };

  const refresh = async (url: string, entry: Entry): Promise<void> => {
    const fetched = await fetch(url);
    if (fetched.kind !== "ok") throw new Error(fetched.reason);
    const reading = readKeySet(fetched.body);
    if (reading.kind !== "usable") throw new Error(reading.reason);
    const kids = new Set(reading.keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid])));
    entry.published = { keys: createLocalJWKSet({ keys: [...reading.keys] }), kids, fetchedMs: clock.monotonicMs() };
    entry.failure = null;
    if (entries.get(url) === entry) entries.set(url, entry, fetched.body.length);
  };

  /** Never rejects: those who do not wait for it would leave a rejection unhandled. */
  const startRefresh = (url: string, entry: Entry): void => {
    entry.askedMs = clock.monotonicMs();
    entry.underWay = refresh(url, entry)
      .catch((error: unknown) => {
        entry.failure = error;
      })
      .finally(() => {
        entry.underWay = null;
      });
  };

  return {
    async keysAt(url, kid, deadline) {
      const entry = entryOf(url);
      const nowMs = clock.monotonicMs();
      const ageMs = nowMs - (entry.published?.fetchedMs ?? Number.NEGATIVE_INFINITY);
      const holdsKey = entry.published !== null && (kid === undefined || entry.published.kids.has(kid));
      if ((ageMs >= FRESH_MS || !holdsKey) && entry.underWay === null && nowMs - entry.askedMs >= COOLDOWN_MS) {
        startRefresh(url, entry);
      }
      // While fetches fail, nobody whose key is here waits for the next one to fail.
      const serves = holdsKey && (ageMs < FRESH_MS || (ageMs < STALE_MS_MAX && entry.failure !== null));
      if (entry.underWay !== null && !serves) await within(clock, deadline, entry.underWay);
      const { published, failure } = entry;
      if (published === null || clock.monotonicMs() - published.fetchedMs >= STALE_MS_MAX) {
        const reason = failure instanceof Error ? failure.message : "they are not fetched again yet";
        throw new Error(`the issuer's keys are not known: ${reason}`);
      }
      return published.keys;
    },
  };
}

/** Leaves when the deadline passes; what it waited for goes on for the others. */
async function within(clock: Clock, deadline: number, work: Promise<void>): Promise<void> {
  if (deadline === Number.POSITIVE_INFINITY) return work;
  const done = new AbortController();
  const passed = clock.sleep(deadline - clock.monotonicMs(), done.signal).then(() => {
    throw new Fault("DEADLINE_EXCEEDED", "the deadline passed before the credentials were checked");
  });
  try {
    await Promise.race([work, passed]);
  } finally {
    done.abort();
  }
}
