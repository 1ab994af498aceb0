import type { RecordEvent } from "../domain/history.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import type { SeenState, StoredRecord } from "../domain/record.ts";
import type { OperatorRefusal, Verdict } from "../domain/reducer/operator.ts";
import type { StuckReason } from "../domain/stuck.ts";

export type { OperatorRefusal, Verdict };

/**
 * What operators see of records, and how they change them. A change and its line in the audit log are one transaction.
 *
 * Throws `Fault` as `Store` does. After STORE_UNAVAILABLE a change may have been made; the same call again is then
 * answered `changed`, because every change raises the fence that it names.
 */
export interface OperatorStore {
  /** One page of one tenant's records; does bounded work however few records match. */
  list(query: RecordQuery, deadline: number): Promise<RecordPage>;
  /** What is kept of a record's past; null when it is absent or forgotten. */
  history(query: HistoryQuery, deadline: number): Promise<RecordHistory | null>;
  /** ForceRelease: takes the lease of a record in progress away. */
  release(call: OperatorCall, deadline: number): Promise<OperatorAnswer>;
  /** ResolveOutcome: says what an unknown outcome was. */
  resolve(call: ResolveCall, deadline: number): Promise<OperatorAnswer>;
  /** ResetRecord: makes the next claim a first claim. */
  reset(call: ResetCall, deadline: number): Promise<OperatorAnswer>;
  /**
   * PurgeRecords: deletes records, forgotten ones too, and all that is known of them, keys in the audit log too. One line
   * of the audit log for all of it, and none for nothing.
   */
  purge(call: PurgeCall, deadline: number): Promise<Purged>;
}

/** Who changes something, and why; for the audit log. */
export interface ChangeNote {
  /** 1 to 600 bytes: `Principal.name`. */
  readonly actor: string;
  /** 1 to 256 bytes. */
  readonly reason: string;
}

export interface OperatorCall extends ChangeNote {
  readonly key: RecordKey;
  /** That of the record as it was read; a record with another one is left alone. 0, which none has, only looks. */
  readonly fence: bigint;
}

export interface ForcibleCall extends OperatorCall {
  /** reset: also while a lease is live · resolve: also while a reconciler's is. */
  readonly force: boolean;
}

export interface ResetCall extends ForcibleCall {
  /** As callers saw it: a record that they see in another one by now is left alone. Null, or none: whichever it is in. */
  readonly state?: SeenState | null;
}

export interface ResolveCall extends ForcibleCall {
  readonly verdict: Verdict;
}

export type OperatorAnswer =
  | {
      readonly kind: "changed-record";
      /** As the change left it, without outcome and checkpoint. */
      readonly record: StoredRecord;
      readonly auditSequence: bigint;
      readonly now: Instant;
    }
  | {
      readonly kind: "refused";
      readonly why: OperatorRefusal;
      /** As it was found, without outcome and checkpoint; null when it is absent or forgotten. */
      readonly record: StoredRecord | null;
      readonly now: Instant;
    };

/** What is deleted: one record, those of a scope, or all of a tenant. */
export interface PurgeCall extends ChangeNote {
  readonly tenant: string;
  /** null: of every scope, and then the key is null too. */
  readonly scope: string | null;
  /** null: every key. */
  readonly key: string | null;
  /** Also records with a live lease. */
  readonly force: boolean;
  /** At most so many records are looked at. */
  readonly limit: number;
  /** Where the call before it ended; null to begin with. */
  readonly after: PurgePosition | null;
}

export interface PurgePosition {
  readonly scope: string;
  readonly key: string;
}

export interface Purged {
  readonly keys: readonly RecordKey[];
  /** Earlier lines of the audit log that name none of these keys any more, nor one whose record is long gone. */
  readonly redacted: number;
  /** Left because of a live lease. */
  readonly held: number;
  /** Where to go on; null: there are no more. */
  readonly next: PurgePosition | null;
}

/** What of a tenant's records is listed. Null: whatever it is. */
export interface RecordQuery {
  readonly tenant: string;
  readonly scope: string | null;
  readonly keyPrefix: string | null;
  readonly states: readonly SeenState[] | null;
  readonly stuckOnly: boolean;
  /** First claimed at least, and at most, so long ago. */
  readonly olderThanMs: number | null;
  readonly newerThanMs: number | null;
  /** Otherwise `outcome` of every record is null. */
  readonly withOutcomes: boolean;
  readonly after: ListPosition | null;
  readonly limit: number;
}

/** Stuck ones first, then the other open ones, each in the order of their first claims; then the ended, by scope and key. */
export interface ListPosition {
  readonly part: "stuck" | "open" | "ended";
  /** Of the last record looked at; the empty texts and -Infinity before the first. */
  readonly createTime: Instant;
  readonly scope: string;
  readonly key: string;
}

export interface RecordPage {
  /** Forgotten ones are left out; expired ones are as the sweeper would leave them. Without checkpoints. */
  readonly records: readonly ListedRecord[];
  /** Null: this was the last page. */
  readonly next: ListPosition | null;
  readonly now: Instant;
}

export interface ListedRecord {
  readonly record: StoredRecord;
  readonly stuck: StuckReason | null;
}

export interface HistoryQuery {
  readonly key: RecordKey;
  /** Otherwise of an outcome, and of an event's error, it is told only whether it is there: it is empty then. */
  readonly withOutcomes: boolean;
}

export interface RecordHistory {
  readonly record: StoredRecord;
  /** Oldest first, the newest EVENTS_KEPT. */
  readonly events: readonly RecordEvent[];
  /** The lines of the audit log that events name, by number. */
  readonly notes: ReadonlyMap<bigint, ChangeNote>;
  readonly now: Instant;
}

/** What a finished round over all open records of a database has counted. */
export interface OpenRecords {
  /** All of them. */
  readonly open: number;
  readonly stuck: Readonly<Record<StuckReason, number>>;
  /** How long the longest has stood still, since its lease or delay was over; 0 without any. */
  readonly stuckMsMax: Readonly<Record<StuckReason, number>>;
}
