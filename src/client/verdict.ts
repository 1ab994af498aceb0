import type { Status } from "../../gen/google/rpc/status_pb.ts";
import type { Acquired, Record as RecordMessage } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type CheckpointView, viewCheckpoint } from "./content.ts";
import { AttemptFailure, notStarted, outcomeUnknown, retryable, terminal } from "./failure.ts";
import type { HeldLease } from "./lease.ts";

/** What the attempt left behind of which nobody knows how it went. */
export interface UnknownOutcome {
  /** The reconciler's own: higher than that of the attempt it looks into. Push it to the target before "not started". */
  readonly fence: bigint;
  /** The attempt that is looked into. */
  readonly attempt: number;
  readonly owner: { readonly service: string; readonly instance: string } | undefined;
  readonly externalRef: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly lastCheckpoint: CheckpointView | undefined;
  readonly previousError: Status | undefined;
  /** Aborted when the lease is over, or when the attempt turned out to be alive and has ended the record itself. */
  readonly signal: AbortSignal;
  leaseRemainingMs(): number;
}

/** What became of the work. NOT STARTED speaks of the past and of the future: the old attempt cannot act any more. */
export type Verdict<T> =
  | { readonly done: T }
  | { readonly failed: unknown }
  | { readonly notStarted: true; readonly delayMs?: number }
  | { readonly retry: true | { readonly delayMs?: number } }
  | { readonly unknown: true };

export function evidence(lease: HeldLease, acquired: Acquired, record: RecordMessage | undefined): UnknownOutcome {
  return {
    fence: lease.fence,
    attempt: acquired.lease?.attempt ?? 0,
    owner: record?.owner && { service: record.owner.service, instance: record.owner.instance },
    externalRef: record?.externalRef ?? "",
    metadata: { ...record?.metadata },
    lastCheckpoint: viewCheckpoint(acquired.lastCheckpoint),
    previousError: acquired.previousError,
    signal: lease.signal,
    leaseRemainingMs: () => lease.remainingMs(),
  };
}

/** How a verdict other than done is told to the server, and its name. */
export function asFailure(verdict: Exclude<Verdict<unknown>, { readonly done: unknown }>) {
  if ("failed" in verdict) {
    const { failed } = verdict;
    return ["failed", failed instanceof AttemptFailure ? terminal(failed.cause) : terminal(failed)] as const;
  }
  if ("notStarted" in verdict) {
    const { delayMs = 0 } = verdict;
    return ["not-started", notStarted("a reconciler found that nothing was done", { delayMs })] as const;
  }
  if ("retry" in verdict) {
    const { delayMs = 0 } = verdict.retry === true ? {} : verdict.retry;
    return ["retry", retryable("a reconciler asks for another attempt", { delayMs })] as const;
  }
  return ["unknown", outcomeUnknown("a reconciler could not find out")] as const;
}
