import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type Owner,
  type Progress,
  type Record as RecordMessage,
  RecordState,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type CheckpointView, viewCheckpoint } from "./content.ts";

/** Who works on a record; for people. */
export interface OwnerView {
  readonly service: string;
  readonly instance: string;
}

/** How far the holder is, as it says itself. */
export interface ProgressView {
  /** 0 to 1. */
  readonly fraction: number;
  readonly message: string;
}

/** "unspecified" is a state that this client does not know. */
export type RecordViewState =
  | "in-progress"
  | "available"
  | "completed"
  | "failed"
  | "outcome-unknown"
  | "expired"
  | "unspecified";

/** A record at an instant. Times are of the database's clock; those that its state does not have are undefined. */
export interface RecordView {
  readonly state: RecordViewState;
  /** The newest counted attempt, from 1; 0 when there was none. */
  readonly attempt: number;
  readonly fence: bigint;
  readonly owner: OwnerView | undefined;
  /** What the holder noted about the outside world; may be empty. */
  readonly externalRef: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly checkpoint: CheckpointView | undefined;
  readonly progress: ProgressView | undefined;
  /** The lease is a reconciler's. */
  readonly reconciling: boolean;
  readonly createTime: Date | undefined;
  readonly attemptStartTime: Date | undefined;
  /** While in progress. Past: the lease has run out, and the record can be claimed. */
  readonly leaseExpireTime: Date | undefined;
  /** While available: from when it can be claimed. */
  readonly dueTime: Date | undefined;
  /** Once ended, as the next two. */
  readonly endTime: Date | undefined;
  readonly resultExpireTime: Date | undefined;
  readonly tombstoneExpireTime: Date | undefined;
}

export function viewRecord(record: RecordMessage): RecordView {
  return {
    state: STATES.get(record.state) ?? "unspecified",
    attempt: record.attempt,
    fence: record.fence,
    owner: viewOwner(record.owner),
    externalRef: record.externalRef,
    metadata: { ...record.metadata },
    checkpoint: viewCheckpoint(record.checkpoint),
    progress: record.progress && viewProgress(record.progress),
    reconciling: record.reconciling,
    createTime: viewTime(record.createTime),
    attemptStartTime: viewTime(record.attemptStartTime),
    leaseExpireTime: viewTime(record.leaseExpireTime),
    dueTime: viewTime(record.dueTime),
    endTime: viewTime(record.endTime),
    resultExpireTime: viewTime(record.resultExpireTime),
    tombstoneExpireTime: viewTime(record.tombstoneExpireTime),
  };
}

export function viewOwner(owner: Owner | undefined): OwnerView | undefined {
  return owner && { service: owner.service, instance: owner.instance };
}

export function viewProgress({ fraction, message }: Progress): ProgressView {
  return { fraction, message };
}

export function viewTime(time: Timestamp | undefined): Date | undefined {
  return time && timestampDate(time);
}

const STATES = new Map<RecordState, RecordViewState>([
  [RecordState.IN_PROGRESS, "in-progress"],
  [RecordState.AVAILABLE, "available"],
  [RecordState.COMPLETED, "completed"],
  [RecordState.FAILED, "failed"],
  [RecordState.OUTCOME_UNKNOWN, "outcome-unknown"],
  [RecordState.EXPIRED, "expired"],
]);
