import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import type { VirtualTime } from "../time.ts";
import type { Change } from "./cause.ts";

/** Told of what everybody can see, in the order in which it becomes visible. Must not throw. */
export interface StorageObserver {
  changed(change: Change): void;
  /** A crash or a failover has left it so: this is how it was before some commit. */
  restored(key: RecordKey, record: StoredRecord | null): void;
}

export interface StorageDeps {
  readonly time: VirtualTime;
  readonly observer: StorageObserver;
  /** From a commit to the disk, and from there to the standby. */
  readonly flushMs: () => number;
  readonly replicateMs: () => number;
}

export interface Draft {
  readonly changes: readonly Change[];
  /** Null: as it was. */
  readonly fenceFloor: bigint | null;
  readonly auditSequence: bigint | null;
  /** Acknowledged before it is on any disk. */
  readonly isLazy: boolean;
}

/**
 * A primary with a synchronous standby, as far as what is committed goes.
 *
 * ```
 *  commit ──▶ on the disk ──▶ on the standby ──▶ visible and acknowledged      lazy: visible and acknowledged at once
 *               │                 │
 *   restart ────┘ what is here    └──── promotion: what is here is all there is
 *           becomes visible, though nobody was told of it
 * ```
 */
export interface Storage {
  read(row: string): StoredRecord | null;
  rows(): IterableIterator<[row: string, record: StoredRecord]>;
  readonly fenceFloor: bigint;
  readonly auditSequence: bigint;
  /** Resolves when it is acknowledged: never, if a crash comes first. */
  commit(draft: Draft): Promise<void>;
  /** The server crashed and recovers. */
  restart(): void;
  /** The standby takes over. */
  promote(): void;
}

interface Entry extends Draft {
  readonly acknowledged: PromiseWithResolvers<void>;
  isVisible: boolean;
  isFlushed: boolean;
}

interface State {
  readonly rows: Map<string, { readonly key: RecordKey; readonly record: StoredRecord }>;
  fenceFloor: bigint;
  auditSequence: bigint;
}

const LAZY_FLUSH_MS_MAX = 600;

export function createStorage({ time, observer, flushMs, replicateMs }: StorageDeps): Storage {
  /** What the standby does not have yet, in the order of the log. */
  let log: Entry[] = [];
  let visible = emptyState();
  let flushed = emptyState();
  const replicated = emptyState();
  /** Another one after each crash: what was under way is over. */
  let life = 0;

  const show = (entry: Entry) => {
    if (entry.isVisible) return;
    entry.isVisible = true;
    apply(visible, entry);
    for (const change of entry.changes) observer.changed(change);
    entry.acknowledged.resolve();
  };

  /** The log is written in its order: what was before comes to the disk with it. */
  const flush = (last: Entry) => {
    for (const entry of log) {
      if (!entry.isFlushed) apply(flushed, entry);
      entry.isFlushed = true;
      if (entry === last) return;
    }
  };

  const replicate = (last: Entry) => {
    while (log.includes(last)) {
      const entry = log.shift();
      if (entry === undefined) return;
      apply(replicated, entry);
      show(entry);
    }
  };

  const write = async (entry: Entry, waitMs: number) => {
    const own = life;
    await time.sleep(waitMs);
    if (own !== life) return;
    flush(entry);
    await time.sleep(replicateMs());
    if (own === life) replicate(entry);
  };

  const restoreAll = () => {
    const before = visible;
    return (after: State) => {
      visible = after;
      for (const row of new Set([...before.rows.keys(), ...after.rows.keys()])) {
        const [was, is] = [before.rows.get(row), after.rows.get(row)];
        const key = is?.key ?? was?.key;
        if (was?.record !== is?.record && key !== undefined) observer.restored(key, is?.record ?? null);
      }
    };
  };

  return {
    read: (row) => visible.rows.get(row)?.record ?? null,
    *rows() {
      for (const [row, { record }] of visible.rows) yield [row, record];
    },
    get fenceFloor() {
      return visible.fenceFloor;
    },
    get auditSequence() {
      return visible.auditSequence;
    },
    commit(draft) {
      const entry: Entry = {
        ...draft,
        acknowledged: Promise.withResolvers<void>(),
        isVisible: false,
        isFlushed: false,
      };
      log.push(entry);
      if (draft.isLazy) show(entry);
      void write(entry, draft.isLazy ? time.between(0, LAZY_FLUSH_MS_MAX) : flushMs());
      return entry.acknowledged.promise;
    },
    restart() {
      life++;
      const kept = log.filter(({ isFlushed }) => isFlushed);
      // Those first that nobody has seen: their rows were locked, so nothing has come after them there.
      for (const entry of kept) show(entry);
      restoreAll()(copyOf(flushed));
      log = kept;
      const last = kept.at(-1);
      const own = life;
      if (last !== undefined) time.after(replicateMs(), () => own === life && replicate(last));
    },
    promote() {
      life++;
      log = [];
      restoreAll()(copyOf(replicated));
      flushed = copyOf(replicated);
    },
  };
}

function emptyState(): State {
  return { rows: new Map(), fenceFloor: 0n, auditSequence: 1n };
}

function copyOf(state: State): State {
  return { ...state, rows: new Map(state.rows) };
}

function apply(state: State, { changes, fenceFloor, auditSequence }: Draft): void {
  for (const { row, key, record } of changes) {
    if (record === null) state.rows.delete(row);
    else state.rows.set(row, { key, record });
  }
  if (fenceFloor !== null && fenceFloor > state.fenceFloor) state.fenceFloor = fenceFloor;
  if (auditSequence !== null && auditSequence > state.auditSequence) state.auditSequence = auditSequence;
}
