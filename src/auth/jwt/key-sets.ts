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
  keysAt(url: string, wanted: WantedKey, deadline: number): Promise<JWTVerifyGetKey>;
}

/** What a token says of the key that it is signed with. */
export interface WantedKey {
  readonly issuer: string;
  readonly kid: string | undefined;
}

/** What became of one fetch. The reasons hold nothing of the URL or of the answer. */
export type KeySetFetch =
  | { readonly kind: "fetched" }
  /** The URL may not be asked, or it was and there are no usable keys. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It could not be asked, or answered that it cannot tell: time-out, network, 5xx. */
  | { readonly kind: "failed"; readonly reason: string; readonly error?: unknown };

export interface KeySetsDeps {
  readonly clock: Clock;
  readonly fetch: GuardedFetch;
  /** Told of each fetch, with the issuer whose token was the reason for it. Must not throw. */
  readonly onFetched: (issuer: string, fetch: KeySetFetch) => void;
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
  failure: string | null;
  underWay: Promise<void> | null;
}

export function createKeySets({ clock, fetch, onFetched }: KeySetsDeps): KeySets {
  const entries = createBoundedMap<Entry>({ entriesMax: URLS_MAX, weightMax: KEY_SET_BYTES_MAX });

  const entryOf = (url: string): Entry => {
    const known = entries.get(url);
    if (known !== undefined) return known;
    const entry: Entry = { published: null, askedMs: Number.NEGATIVE_INFINITY, failure: null, underWay: null };
    entries.set(url, entry);
    return entry;
  };

  const refresh = async (url: string, entry: Entry): Promise<KeySetFetch> => {
    const fetched = await fetch(url);
    if (fetched.kind === "refused") return fetched;
    if (fetched.kind === "uncertain") return { kind: "failed", reason: fetched.reason };
    const reading = readKeySet(fetched.body);
    if (reading.kind !== "usable") return { kind: "refused", reason: reading.reason };
    const kids = new Set(reading.keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid])));
    entry.published = { keys: createLocalJWKSet({ keys: [...reading.keys] }), kids, fetchedMs: clock.monotonicMs() };
    if (entries.get(url) === entry) entries.set(url, entry, fetched.body.length);
    return { kind: "fetched" };
  };

  /** Never rejects: those who do not wait for it would leave a rejection unhandled. */
  const startRefresh = (url: string, entry: Entry, issuer: string): void => {
    entry.askedMs = clock.monotonicMs();
    entry.underWay = refresh(url, entry)
      .catch((error: unknown): KeySetFetch => ({ kind: "failed", reason: "the fetch threw", error }))
      .then((fetched) => {
        entry.failure = fetched.kind === "fetched" ? null : fetched.reason;
        entry.underWay = null;
        onFetched(issuer, fetched);
      });
  };

  return {
    async keysAt(url, { issuer, kid }, deadline) {
      const entry = entryOf(url);
      const nowMs = clock.monotonicMs();
      const ageMs = nowMs - (entry.published?.fetchedMs ?? Number.NEGATIVE_INFINITY);
      const holdsKey = entry.published !== null && (kid === undefined || entry.published.kids.has(kid));
      if ((ageMs >= FRESH_MS || !holdsKey) && entry.underWay === null && nowMs - entry.askedMs >= COOLDOWN_MS) {
        startRefresh(url, entry, issuer);
      }
      // While fetches fail, nobody whose key is here waits for the next one to fail.
      const serves = holdsKey && (ageMs < FRESH_MS || (ageMs < STALE_MS_MAX && entry.failure !== null));
      if (entry.underWay !== null && !serves) await within(clock, deadline, entry.underWay);
      const { published, failure } = entry;
      if (published === null || clock.monotonicMs() - published.fetchedMs >= STALE_MS_MAX) {
        throw new Error(`the issuer's keys are not known: ${failure ?? "they are not fetched again yet"}`);
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
