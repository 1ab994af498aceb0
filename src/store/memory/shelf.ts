import { EVENTS_KEPT, emptiedEvent, eventsOf, type RecordEvent } from "../../domain/history.ts";
import type { Instant } from "../../domain/instant.ts";
import { keyText, type RecordKey } from "../../domain/key.ts";
import { isExpired, isForgotten, type StoredRecord } from "../../domain/record.ts";

/** Records with their histories, and the floor under the fences. */
export interface Shelf {
  readonly fenceFloor: bigint;
  /** Forgotten ones too. */
  read(key: RecordKey): StoredRecord | null;
  all(): IteratorObject<StoredRecord>;
  events(key: RecordKey): readonly RecordEvent[];
  /** Null leaves everything as it is. */
  write(next: StoredRecord | null, now: Instant, hand?: Hand): void;
  remove(record: StoredRecord): void;
}

/** What a record does not say of who has changed it. */
export interface Hand {
  /** Of a claim to reconcile that acquired. */
  readonly evidence?: Uint8Array;
  /** Of an operator's change. */
  readonly auditSequence?: bigint;
}

interface Entry {
  readonly record: StoredRecord;
  readonly events: readonly RecordEvent[];
  readonly reconciler: Uint8Array;
}

const NOBODY = new Uint8Array();

export function createShelf(): Shelf {
  const entries = new Map<string, Entry>();
  let fenceFloor = 0n;

  return {
    get fenceFloor() {
      return fenceFloor;
    },
    read: (key) => detached(entries.get(keyText(key))?.record ?? null),
    all: () => entries.values().map(({ record }) => record),
    events: (key) => detached(entries.get(keyText(key))?.events ?? []),
    write(next, now, hand = {}) {
      if (next === null) return;
      const id = keyText(next.key);
      entries.set(id, detached(entryAfter(entries.get(id) ?? null, next, now, hand)));
    },
    remove(record) {
      entries.delete(keyText(record.key));
      if (record.lease.fence > fenceFloor) fenceFloor = record.lease.fence;
    },
  };
}

/** A forgotten record's history is forgotten with it. */
function entryAfter(entry: Entry | null, next: StoredRecord, now: Instant, hand: Hand): Entry {
  if (entry === null || isForgotten(entry.record, now)) return { record: next, events: [], reconciler: NOBODY };
  const reconciler = reconcilerAfter(entry, next, hand);
  const drafts = eventsOf({
    before: entry.record,
    after: next,
    hasHistory: entry.events.length > 0,
    reconciler,
    now,
  });
  const last = entry.events.at(-1)?.sequence ?? 0n;
  // Whether or not the sweeper came: what is expired holds nothing any more, nor does its history.
  const isOver = isExpired(entry.record, now);
  const earlier = isOver ? entry.events.map(emptiedEvent) : entry.events;
  const events = drafts.map(
    (draft, i): RecordEvent => ({
      ...draft,
      sequence: last + BigInt(i) + 1n,
      auditSequence: i === drafts.length - 1 ? (hand.auditSequence ?? null) : null,
    }),
  );
  const kept = [...earlier, ...events].slice(-EVENTS_KEPT);
  return { record: next, events: kept, reconciler: isOver ? NOBODY : reconciler };
}

function reconcilerAfter({ record, reconciler }: Entry, next: StoredRecord, { evidence }: Hand): Uint8Array {
  const isAcquired = next.lease.fence !== record.lease.fence && next.state === "in-progress";
  if (!isAcquired) return reconciler;
  return next.suspect === null ? NOBODY : (evidence ?? NOBODY);
}

/** A deep copy: what a caller later does to the bytes of its call or of its answer never reaches the store. */
export function detached<Value>(value: Value): Value {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return new Uint8Array(value) as Value;
  if (Array.isArray(value)) return value.map(detached) as Value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, detached(part)])) as Value;
}
