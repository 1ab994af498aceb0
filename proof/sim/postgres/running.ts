import type { Instant } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import type { Change } from "./cause.ts";
import type { Flaw } from "./flaw.ts";
import { readInstant } from "./wire.ts";

/** What a statement can do while it runs. Nothing that it writes is seen by others before its transaction has committed. */
export interface Running {
  /** The database's clock. */
  now(): Instant;
  rowOf(key: RecordKey): string;
  /** The newest version that is visible, or the transaction's own. */
  read(row: string): StoredRecord | null;
  rows(): readonly (readonly [row: string, record: StoredRecord])[];
  /** Waits for the row's lock; rejects when that takes too long or would never come. */
  lock(row: string): Promise<void>;
  /** Nobody else has it. */
  isFree(row: string): boolean;
  write(change: Change): void;
  readonly fenceFloor: bigint;
  raiseFloor(fence: bigint): void;
  nextAuditSequence(): bigint;
  /** Acknowledged before it is durable. */
  makeLazy(): void;
  /** Between what it reads first and what it does then, others can come in. */
  pause(): Promise<void>;
  /** The order in which so many rows are locked. */
  order(count: number): readonly number[];
  has(flaw: Flaw): boolean;
}

export type Run = (running: Running, values: readonly unknown[]) => Promise<readonly unknown[]>;

/** The clock that a statement judges by: `as_of` where it is given, and never later than `up_to`. */
export function clockOf(running: Running, asOf: unknown, upTo: unknown = null): () => Instant {
  const [fixed, bound] = [readInstant(asOf ?? null), readInstant(upTo ?? null) ?? Number.POSITIVE_INFINITY];
  return () => Math.min(fixed ?? running.now(), bound);
}
