import { create, fromBinary } from "@bufbuild/protobuf";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  type Checkpoint as CheckpointProto,
  CheckpointSchema,
  type Owner,
  type Progress,
  ProgressSchema,
  type Record as RecordProto,
  RecordSchema,
  type Result,
  ResultSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Checkpoint } from "../../domain/calls.ts";
import type { StoredRecord } from "../../domain/record.ts";
import { encodeKnown } from "./encode.ts";
import { toTimestamp } from "./time.ts";

/**
 * What the store keeps without looking into it. Encodings are canonical: fields in order, maps sorted, unknown fields
 * dropped. So the same content is the same bytes from whichever client, which the end digest needs. Every encoding is
 * fresh memory: decoded requests are views into the frame that they came in.
 */
const NOTHING = new Uint8Array();

/** What a claim says of who makes it. */
export interface Evidence {
  readonly owner?: Owner | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** A valid one; null if the call has none. */
  readonly traceparent: string | null;
}

/** Owner, metadata and trace of an attempt, as a Record with nothing else set. */
export function encodeEvidence({ owner, metadata, traceparent }: Evidence): Uint8Array {
  const sortedMetadata = sorted(metadata);
  if (owner === undefined && sortedMetadata === null && traceparent === null) return NOTHING;
  const record = create(RecordSchema);
  if (owner !== undefined) record.owner = owner;
  if (sortedMetadata !== null) record.metadata = sortedMetadata;
  if (traceparent !== null) record.traceparent = traceparent;
  return encodeKnown(RecordSchema, record);
}

export function decodeEvidence({ evidence }: Pick<StoredRecord, "evidence">): RecordProto {
  return fromBinary(RecordSchema, evidence);
}

export function encodeResult(result: Result): Uint8Array {
  const metadata = sorted(result.metadata);
  return encodeKnown(ResultSchema, metadata === null ? result : { ...result, metadata });
}

export function decodeResult({ outcome }: StoredRecord): Result {
  if (outcome === null) throw new Error("bug: a completed record has no result");
  return fromBinary(ResultSchema, outcome);
}

export function encodeError(error: Status): Uint8Array {
  return encodeKnown(StatusSchema, error);
}

/** What the last attempt reported, if it reported anything. */
export function decodeError({ outcome }: Pick<StoredRecord, "outcome">): Status | undefined {
  return outcome === null ? undefined : fromBinary(StatusSchema, outcome);
}

/** Without its record time, which is the database's to say: the store keeps it beside the checkpoint. */
export function encodeCheckpoint(checkpoint: CheckpointProto | undefined): Checkpoint | null {
  if (checkpoint === undefined) return null;
  const { recordTime: _, ...kept } = checkpoint;
  return { sequence: checkpoint.sequence, encoded: encodeKnown(CheckpointSchema, kept) };
}

/** Also of one whose content does not open, and is empty: which it is, and since when. */
export function decodeCheckpoint(record: StoredRecord): CheckpointProto | undefined {
  const { checkpoint, checkpointSequence, checkpointTime } = record;
  if (checkpoint === null) return undefined;
  const decoded = fromBinary(CheckpointSchema, checkpoint);
  if (checkpoint.length === 0) decoded.sequence = checkpointSequence;
  if (checkpointTime !== null) decoded.recordTime = toTimestamp(checkpointTime);
  return decoded;
}

export function encodeProgress(progress: Progress | undefined): Uint8Array | null {
  return progress === undefined ? null : encodeKnown(ProgressSchema, progress);
}

export function decodeProgress({ progress }: StoredRecord): Progress | undefined {
  return progress === null ? undefined : fromBinary(ProgressSchema, progress);
}

/**
 * The same entries in one order, whatever order they came in; null when there are none. `fromEntries` defines its
 * properties, so a name like "__proto__" is a name.
 */
function sorted(metadata: Readonly<Record<string, string>>): Record<string, string> | null {
  const names = Object.keys(metadata);
  if (names.length === 0) return null;
  return Object.fromEntries(names.sort().map((name) => [name, metadata[name] ?? ""]));
}
