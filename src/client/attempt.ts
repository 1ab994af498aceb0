import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import {
  type Acquired,
  AcquireReason,
  type Checkpoint,
  CheckpointSchema,
  ProgressSchema,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type CheckpointView, encodeContent, type Serializer, viewCheckpoint } from "./content.ts";
import { AnswerIncompleteError } from "./errors.ts";
import { completionOf, type Statement } from "./in-transaction.ts";
import type { HeldLease } from "./lease.ts";
import { CHECKPOINT_BYTES_MAX, checkText, cutToBytes, fieldInvalid, LIMITS } from "./limits.ts";
import type { Platform } from "./platform.ts";
import { type KeyFormat, providerKeyBy } from "./provider-key.ts";
import { CheckpointTooLargeError } from "./reason-errors.ts";

/** Why this process may do the work. */
export type AttemptReason = "new" | "reattached" | "takeover" | "retry" | "unprotected" | "unspecified";

/** One run of the work, under a lease. */
export interface Attempt {
  /**
   * False when no server could be asked, and the call fails open: see `whenUnavailable`. There is no lease then, what is
   * told of the attempt is not stored, and `completion` throws.
   */
  readonly isProtected: boolean;
  /**
   * Strictly increasing per record. Hand it to whatever the work changes: what checks it refuses an older attempt. 0 of
   * an attempt that is not protected: below all that a server gives out.
   */
  readonly fence: bigint;
  /** From 1; 0 when not protected. */
  readonly number: number;
  readonly reason: AttemptReason;
  /** Aborted when the lease is over or superseded, or the caller has gone: stop. */
  readonly signal: AbortSignal;
  /** What an earlier attempt left behind. */
  readonly lastCheckpoint: CheckpointView | undefined;
  /** What an earlier attempt reported. */
  readonly previousError: Status | undefined;
  /** Durable when it resolves. JSON or bytes, up to 64 KiB; extends the lease too. */
  checkpoint(data: unknown, detail?: { readonly name?: string }): Promise<void>;
  /** Shown to waiters; goes with the next heartbeat. */
  progress(fraction: number, message?: string): void;
  /** What identifies the work to the outside world, such as a payment id. Durable when it resolves. */
  setExternalRef(ref: string): Promise<void>;
  /**
   * What to give a provider that keeps idempotency keys of its own: the same in every attempt, another for each provider.
   * Default "text": 43 characters of base64url; "uuid" for those that take nothing else.
   */
  keyFor(provider: string, format?: KeyFormat): string;
  /**
   * The statement that completes this attempt within a transaction of one's own, for who shares Holdfast's Postgres: the
   * last one before the commit. What is then returned from the work must be the same value. The serializer is that of
   * `once`, if it was given one. Where an earlier transaction has made this end already, the statement is refused with
   * SQLSTATE LF010: roll back, the first commit stands. See docs/in-your-transaction.md.
   *
   * @throws TypeError for a value that cannot be encoded; HoldfastError RESULT_TOO_LARGE
   */
  completion<T>(value: T, serializer?: Serializer<T>): Statement;
  /** By this process's monotonic clock; Infinity when not protected. */
  leaseRemainingMs(): number;
}

export function createAttempt(platform: Platform, lease: HeldLease, acquired: Acquired): Attempt {
  const lastCheckpoint = viewCheckpoint(acquired.lastCheckpoint);
  let sequence = lastCheckpoint?.sequence ?? 0n;

  return {
    isProtected: true,
    fence: lease.fence,
    number: acquired.lease?.attempt ?? 0,
    reason: reasonOf(acquired),
    signal: lease.signal,
    lastCheckpoint,
    previousError: acquired.previousError,
    async checkpoint(data, { name = "" } = {}) {
      const checkpoint = encodeCheckpoint(data, name, sequence + 1n);
      sequence = checkpoint.sequence;
      await lease.extend({ checkpoint });
    },
    progress(fraction, message = "") {
      checkProgress(fraction);
      lease.note(create(ProgressSchema, { fraction, message: cutToBytes(message, LIMITS.label.max) }));
    },
    async setExternalRef(ref) {
      checkText("external_ref", ref, LIMITS.label);
      await lease.extend({ externalRef: ref });
    },
    keyFor: (provider, format = "text") => providerKeyBy(platform, recordOf(lease), provider, format),
    completion: (value, serializer) => completionOf(lease.handle, value, serializer),
    leaseRemainingMs: () => lease.remainingMs(),
  };
}

function recordOf({ handle: { key } }: HeldLease) {
  if (key === undefined) throw new AnswerIncompleteError("ACQUIRED without the record's name");
  return key;
}

export function checkProgress(fraction: number): void {
  if (!(fraction >= 0 && fraction <= 1)) throw fieldInvalid("progress.fraction", "0 to 1");
}

/** @throws HoldfastError FIELD_INVALID or CHECKPOINT_TOO_LARGE, NotSerializableError */
export function encodeCheckpoint(data: unknown, name: string, sequence: bigint): Checkpoint {
  checkText("checkpoint.name", name, LIMITS.label);
  const { bytes, contentType } = encodeContent(data);
  if (bytes.length > CHECKPOINT_BYTES_MAX) {
    const message = `the checkpoint has ${bytes.length} bytes, and ${CHECKPOINT_BYTES_MAX} is the limit`;
    throw new CheckpointTooLargeError(message, { reason: "CHECKPOINT_TOO_LARGE", code: Code.InvalidArgument });
  }
  return create(CheckpointSchema, { name, sequence, data: bytes, contentType });
}

export function reasonOf({ reason }: Acquired): AttemptReason {
  return REASONS.get(reason) ?? "unspecified";
}

const REASONS = new Map<AcquireReason, AttemptReason>([
  [AcquireReason.NEW, "new"],
  [AcquireReason.REATTACHED, "reattached"],
  [AcquireReason.TAKEOVER, "takeover"],
  [AcquireReason.RETRY, "retry"],
]);
