import {
  type Ended,
  LeaseChanged_Kind as LeaseChangedKind,
  type WaitForResponse,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { decodeResult } from "./body.ts";
import { type CheckpointView, type Serializer, viewCheckpoint } from "./content.ts";
import { AnswerIncompleteError } from "./errors.ts";
import type { Fingerprint } from "./fingerprint.ts";
import {
  ExpiredError,
  FailedError,
  ResultUnavailableError,
  type UnknownEvidence,
  viewEvidence,
} from "./outcome-errors.ts";
import {
  type OwnerView,
  type ProgressView,
  type RecordView,
  viewOwner,
  viewProgress,
  viewRecord,
  viewTime,
} from "./record-view.ts";
import type { RecordName } from "./request.ts";

/** A record to wait for. With an `input` or a `fingerprint`, a record of other work is FingerprintMismatchError. */
export interface WaitTarget extends RecordName {
  /** Default: the client's. */
  readonly tenant?: string;
  /** What the work is done from, as it is given to `once`. */
  readonly input?: unknown;
  /** The same as `fingerprint(input)` gives it, for who does not have the input. Not together with `input`. */
  readonly fingerprint?: Fingerprint;
}

/** "unspecified" is a change that this client does not know. */
export type LeaseChange = "lapsed" | "taken-over" | "released" | "retry-scheduled" | "unspecified";

interface WaitEventOf<Kind extends string> {
  readonly kind: Kind;
  /** The target as it was given. */
  readonly target: WaitTarget;
  /** Its place among the targets, from 0. */
  readonly index: number;
}

/**
 * What is told of a record. First a snapshot of each, then what changes, as far as it still shows when it is told, and
 * then its end, once.
 */
export type WaitEvent<T = unknown> =
  /** As it is when the wait begins; again when the stream was renewed and the record had changed meanwhile. */
  | (WaitEventOf<"snapshot"> & {
      /** Undefined: there is no such record yet. */
      readonly record: RecordView | undefined;
    })
  /** The holder said how far it is. */
  | (WaitEventOf<"progress"> & { readonly progress: ProgressView })
  /** The holder stored a checkpoint. */
  | (WaitEventOf<"checkpoint"> & { readonly checkpoint: CheckpointView })
  /**
   * lapsed: the lease ran out, and nobody has taken over yet · taken-over: another attempt has begun · released: the
   * record can be claimed · retry-scheduled: it can be claimed from a due time on.
   */
  | (WaitEventOf<"lease-changed"> & {
      readonly change: LeaseChange;
      /** Which attempt it concerns. */
      readonly attempt: number;
      readonly owner: OwnerView | undefined;
      /** retry-scheduled: from when the record can be claimed. */
      readonly dueTime: Date | undefined;
    })
  /** Nobody knows whether the work was done. Not the end: a reconciler, or the attempt itself, may yet say. */
  | (WaitEventOf<"outcome-unknown"> & { readonly evidence: UnknownEvidence })
  /** Nothing more is told of this target. */
  | (WaitEventOf<"ended"> & { readonly end: WaitEnd<T> });

/** How a record has ended: a value in each case, never thrown. */
export type WaitEnd<T = unknown> =
  | {
      readonly kind: "completed";
      /** Decoded, a fresh value. Undefined with `includeResult: false`. */
      readonly value: T;
      /** The attempt that did the work. */
      readonly attempt: number;
      readonly endTime: Date | undefined;
    }
  /** Completed, and there is no value to show: see `error.why`. */
  | {
      readonly kind: "result-unavailable";
      readonly error: ResultUnavailableError;
      readonly attempt: number;
      readonly endTime: Date | undefined;
    }
  /** For good. Without `status` with `includeResult: false`. */
  | { readonly kind: "failed"; readonly error: FailedError }
  /** Completed or failed so long ago that the result is no longer kept. */
  | { readonly kind: "expired"; readonly error: ExpiredError };

export interface Decoding<T> {
  readonly includeResult: boolean;
  readonly serializer: Serializer<T> | undefined;
}

/**
 * What there is to show of a message; undefined when there is nothing.
 *
 * @throws AnswerIncompleteError for an end that this client does not know
 */
export function viewEvent<T>(
  event: WaitForResponse["event"],
  of: { readonly target: WaitTarget; readonly index: number },
  decoding: Decoding<T>,
): WaitEvent<T> | undefined {
  switch (event.case) {
    case "snapshot": {
      const { record } = event.value;
      return { kind: "snapshot", ...of, record: record && viewRecord(record) };
    }
    case "progress":
      return { kind: "progress", ...of, progress: viewProgress(event.value) };
    case "checkpoint":
      return { kind: "checkpoint", ...of, checkpoint: viewCheckpoint(event.value) };
    case "leaseChanged": {
      const { kind, attempt, owner, dueTime } = event.value;
      const change = CHANGES.get(kind) ?? "unspecified";
      const view = { change, attempt, owner: viewOwner(owner), dueTime: viewTime(dueTime) };
      return { kind: "lease-changed", ...of, ...view };
    }
    case "outcomeUnknown":
      return { kind: "outcome-unknown", ...of, evidence: viewEvidence(event.value) };
    case "ended":
      return { kind: "ended", ...of, end: viewEnd(event.value, decoding) };
    case "keepAlive":
    case "finish":
    case undefined:
      return undefined;
  }
}

function viewEnd<T>({ detail }: Ended, { includeResult, serializer }: Decoding<T>): WaitEnd<T> {
  switch (detail.case) {
    case "completed": {
      const { result, attempt } = detail.value;
      const of = { attempt, endTime: viewTime(detail.value.endTime) };
      // Who does not ask for results says by T that there are none.
      if (!includeResult) return { kind: "completed", value: undefined as T, ...of };
      if (result === undefined) break;
      try {
        return { kind: "completed", value: decodeResult(result, serializer, { replayed: true }), ...of };
      } catch (error) {
        if (error instanceof ResultUnavailableError) return { kind: "result-unavailable", error, ...of };
        throw error;
      }
    }
    case "failed":
      return { kind: "failed", error: new FailedError(detail.value) };
    case "expired":
      return { kind: "expired", error: new ExpiredError(detail.value) };
    case undefined:
      break;
  }
  throw new AnswerIncompleteError("an end that this client does not know");
}

const CHANGES = new Map<LeaseChangedKind, LeaseChange>([
  [LeaseChangedKind.LAPSED, "lapsed"],
  [LeaseChangedKind.TAKEN_OVER, "taken-over"],
  [LeaseChangedKind.RELEASED, "released"],
  [LeaseChangedKind.RETRY_SCHEDULED, "retry-scheduled"],
]);
