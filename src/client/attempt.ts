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
import { type CheckpointView, encodeContent, viewCheckpoint } from "./content.ts";
import { HoldfastError } from "./errors.ts";
import type { HeldLease } from "./lease.ts";
import { CHECKPOINT_BYTES_MAX, checkText, cutToBytes, fieldInvalid, LIMITS } from "./limits.ts";
import { type KeyFormat, providerKey } from "./provider-key.ts";

/** Why this process may do the work. */
export type AttemptReason = "new" | "reattached" | "takeover" | "retry" | "unspecified";

/** One run of the work, under a lease. */
export interface Attempt {
  /** Strictly increasing per record. Hand it to whatever the work changes: what checks it refuses an older attempt. */
  readonly fence: bigint;
  /** From 1. */
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
  /** By this process's monotonic clock. */
  leaseRemainingMs(): number;
}

export function createAttempt(lease: HeldLease, acquired: Acquired): Attempt {
  const lastCheckpoint = viewCheckpoint(acquired.lastCheckpoint);
  let sequence = lastCheckpoint?.sequence ?? 0n;

  return {
    fence: lease.fence,
    number: acquired.lease?.attempt ?? 0,
    reason: REASONS.get(acquired.reason) ?? "unspecified",
    signal: lease.signal,
    lastCheckpoint,
    previousError: acquired.previousError,
    async checkpoint(data, { name = "" } = {}) {
      const checkpoint = encodeCheckpoint(data, name, sequence + 1n);
      sequence = checkpoint.sequence;
      await lease.extend({ checkpoint });
    },
    progress(fraction, message = "") {
      if (!(fraction >= 0 && fraction <= 1)) throw fieldInvalid("progress.fraction", "0 to 1");
      lease.note(create(ProgressSchema, { fraction, message: cutToBytes(message, LIMITS.label.max) }));
    },
    async setExternalRef(ref) {
      checkText("external_ref", ref, LIMITS.label);
      await lease.extend({ externalRef: ref });
    },
    keyFor: (provider, format = "text") => providerKey(recordOf(lease), provider, format),
    leaseRemainingMs: () => lease.remainingMs(),
  };
}

function recordOf({ handle: { key } }: HeldLease) {
  if (key === undefined) throw new HoldfastError("the server answered ACQUIRED without the record's name", INCOMPLETE);
  return key;
}

const INCOMPLETE = { reason: "ANSWER_INCOMPLETE" } as const;

function encodeCheckpoint(data: unknown, name: string, sequence: bigint): Checkpoint {
  checkText("checkpoint.name", name, LIMITS.label);
  const { bytes, contentType } = encodeContent(data);
  if (bytes.length > CHECKPOINT_BYTES_MAX) {
    const message = `the checkpoint has ${bytes.length} bytes, and ${CHECKPOINT_BYTES_MAX} is the limit`;
    throw new HoldfastError(message, { reason: "CHECKPOINT_TOO_LARGE", code: Code.InvalidArgument });
  }
  return create(CheckpointSchema, { name, sequence, data: bytes, contentType });
}

const REASONS = new Map<AcquireReason, AttemptReason>([
  [AcquireReason.NEW, "new"],
  [AcquireReason.REATTACHED, "reattached"],
  [AcquireReason.TAKEOVER, "takeover"],
  [AcquireReason.RETRY, "retry"],
]);
