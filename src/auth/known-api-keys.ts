import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { ApiKeyTable, StoredApiKey } from "./api-keys.ts";
import type { Principal } from "./authenticator.ts";

/** What is remembered of a key that was found. */
export interface KnownApiKey {
  readonly key: StoredApiKey;
  /** Who calls with it, whenever it is good. */
  readonly principal: Principal;
}

/**
 * The keys of the table, remembered.
 *
 * ```
 *            changed: forgotten               10 min without confirmation
 *  unknown ◀──────────────────── known ──────────────────────────────────────▶ too old
 *     │                          │  ▲                                           │
 *     │ read and awaited         │  └──── read again: in the background ────┐   │ read and awaited,
 *     └──────────────────────────┘        after 60 s; awaited for 250 ms    │   │ as if unknown
 *                                         after news were lost ─────────────┘   ▼
 * ```
 * So a known key goes on working while the database is away, for ten minutes at most.
 */
export interface KnownApiKeys {
  /**
   * The key of this id, null when there is none; without a promise when it is known.
   *
   * Throws `Fault` STORE_UNAVAILABLE when that cannot be told, OVERLOADED when too many are being asked for or turned out
   * to be unknown lately, whatever there is under this id: a good key is never said to be none. DEADLINE_EXCEEDED when `deadline`, an instant of `Clock.monotonicMs()`, has passed.
   */
  find(id: string, deadline: number): KnownApiKey | null | Promise<KnownApiKey | null>;
  /**
   * To be awaited before a key that is known is refused: takes as long as an unknown one would have taken now, and
   * throws what that would have thrown. Otherwise the time of an answer would tell everybody which ids exist.
   *
   * @param found what `find` answered, before it was awaited
   */
  refuse(id: string, found: ReturnType<KnownApiKeys["find"]>, deadline: number): Promise<void>;
  /** Whatever is known of this key is void. */
  changed(id: string): void;
  /** Whatever is known of the keys of this tenant is void: they are deleted with it. */
  tenantChanged(tenant: string): void;
  /** News of changes may have been missed. */
  lost(): void;
}

export interface KnownApiKeysDeps {
  readonly table: Pick<ApiKeyTable, "read">;
  readonly clock: Clock;
}

/** Of each kind, found and absent; a found one takes about 500 bytes. */
const ENTRIES_MAX = 10_000;
/** A backstop: news of a change come with the change. */
const REFRESH_MS = 60_000;
const TRUST_MS = 10 * 60_000;
const ABSENT_MS = 1000;
/** How long the answer about a known key is waited for after news were lost. */
const PATIENCE_MS = 250;
/** After a failure a known key is not asked for again for so long. */
const RETRY_MS = 1000;
/** At once; each holds a caller up, and the connection is one. */
const LOOKUPS_MAX = 1000;
/** Of ids that turned out to be unknown: enough for every honest mistake. */
const ABSENT_PER_SECOND = 100;
const ABSENT_BURST = 200;
/** Of a caller who was refused: many are, and the next free place is one. */
const RETRY_MS_MIN = 100;

interface Entry extends KnownApiKey {
  /** When the read that confirmed it was begun, and in which era. */
  readonly confirmedMs: number;
  readonly era: number;
  retryAtMs: number;
}

export function createKnownApiKeys({ table, clock }: KnownApiKeysDeps): KnownApiKeys {
  /** The one that was confirmed longest ago comes first: what is in use is confirmed each minute. */
  const found = new Map<string, Entry>();
  const absent = new Map<string, number>();
  /** What `absent` would hold of keys that were refused, had they been unknown. */
  const refused = new Map<string, number>();
  const asked = new Map<string, Promise<KnownApiKey | null>>();
  const guesses = createAllowance(clock);
  /** Counts the times that news were lost: what was read before is in doubt. */
  let era = 0;
  let underWay = 0;

  const ask = (id: string): Promise<KnownApiKey | null> => {
    const others = asked.get(id);
    if (others !== undefined) return others;
    if (underWay >= LOOKUPS_MAX)
      return Promise.reject(overloaded("too many API keys are looked up at once", ABSENT_MS));
    const began = { confirmedMs: clock.monotonicMs(), era, retryAtMs: 0 };
    underWay++;
    /** False when the key has changed since: the answer is for those who asked before that, and for nobody else. */
    const close = (): boolean => {
      underWay--;
      return asked.get(id) === answer && asked.delete(id);
    };
    // Without the deadline of whoever came first, for others wait for the answer too.
    const answer = table.read(id, Number.POSITIVE_INFINITY).then(
      (key) => {
        const isNews = close();
        if (key === null) guesses.spend();
        const known = key && { key, principal: principalOf(key) };
        if (isNews) remember(id, known && { ...known, ...began });
        return known;
      },
      (error: unknown) => {
        close();
        throw error;
      },
    );
    asked.set(id, answer);
    return answer;
  };

  const remember = (id: string, entry: Entry | null) => {
    found.delete(id);
    absent.delete(id);
    if (entry === null) setBounded(absent, id, clock.monotonicMs() + ABSENT_MS);
    else setBounded(found, id, entry);
  };

  /** Of an id that is not known here: the same whether or not there is such a key. */
  const requireAllowance = (id: string) => {
    const waitMs = guesses.waitMs();
    if (waitMs > 0 && !asked.has(id)) throw overloaded("too many unknown API keys are asked for", waitMs);
  };

  const findOther = async (id: string, entry: Entry | undefined, deadline: number): Promise<KnownApiKey | null> => {
    if (entry === undefined) requireAllowance(id);
    return within(clock, deadline, ask(id));
  };

  return {
    find(id, deadline) {
      const entry = found.get(id);
      const nowMs = clock.monotonicMs();
      if (entry === undefined) return (absent.get(id) ?? 0) > nowMs ? null : findOther(id, entry, deadline);
      const ageMs = nowMs - entry.confirmedMs;
      if (entry.era === era && ageMs < REFRESH_MS) return entry;
      if (ageMs >= TRUST_MS) return findOther(id, entry, deadline);
      if (nowMs < entry.retryAtMs) return entry;
      const answer = ask(id);
      const fallBack = () => {
        entry.retryAtMs = clock.monotonicMs() + RETRY_MS;
        return entry;
      };
      if (entry.era !== era) return within(clock, Math.min(deadline, nowMs + PATIENCE_MS), answer).catch(fallBack);
      answer.catch(fallBack); // In the background: nobody hears of it.
      return entry;
    },
    async refuse(id, answer, deadline) {
      if ((refused.get(id) ?? 0) > clock.monotonicMs()) return;
      if (!(answer instanceof Promise)) {
        requireAllowance(id);
        await within(clock, deadline, ask(id));
      }
      refused.delete(id);
      setBounded(refused, id, clock.monotonicMs() + ABSENT_MS);
    },
    changed(id) {
      found.delete(id);
      absent.delete(id);
      asked.delete(id);
    },
    tenantChanged(tenant) {
      for (const [id, { key }] of found) if (key.tenant === tenant) found.delete(id);
      // Nobody knows yet whose keys those are.
      asked.clear();
    },
    lost() {
      era++;
      absent.clear();
      asked.clear();
    },
  };
}

function principalOf({ id, tenant, roles }: StoredApiKey): Principal {
  return { tenant, roles, authenticated: true, name: `api-key:${id}` };
}

function overloaded(message: string, retryAfterMs: number): Fault {
  return new Fault("OVERLOADED", message, { retryAfterMs: Math.max(RETRY_MS_MIN, retryAfterMs) });
}

function setBounded<Value>(entries: Map<string, Value>, id: string, value: Value): void {
  if (entries.size >= ENTRIES_MAX) for (const oldest of entries.keys().take(1)) entries.delete(oldest);
  entries.set(id, value);
}

/** What fits a timer of Node; a deadline beyond it is none. */
const TIMER_MS_MAX = 2 ** 31 - 1;

async function within<T>(clock: Clock, deadline: number, answer: Promise<T>): Promise<T> {
  const leftMs = deadline - clock.monotonicMs();
  if (leftMs > TIMER_MS_MAX) return answer;
  const over = new AbortController();
  const late = clock.sleep(leftMs, over.signal).then(() => {
    throw new Fault("DEADLINE_EXCEEDED", "the deadline passed while the credential was looked up");
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    late.catch(() => undefined);
    over.abort(OVER);
  }
}

/** A reason of our own: without one each look-up would pay for a DOMException and its stack. */
const OVER = new Error("over");

/**
 * How many unknown ids may still be looked up. Spent when an id turns out to be unknown, so that the known keys of a
 * server that has just started cost nothing; what was under way together may overdraw it.
 */
function createAllowance(clock: Clock) {
  let left = ABSENT_BURST;
  let filledMs = clock.monotonicMs();
  const fill = () => {
    const nowMs = clock.monotonicMs();
    left = Math.min(ABSENT_BURST, left + ((nowMs - filledMs) * ABSENT_PER_SECOND) / 1000);
    filledMs = nowMs;
  };
  return {
    /** Until the next one may be; 0: now. */
    waitMs(): number {
      fill();
      return left >= 1 ? 0 : Math.ceil(((1 - left) * 1000) / ABSENT_PER_SECOND);
    },
    spend(): void {
      fill();
      left--;
    },
  };
}
