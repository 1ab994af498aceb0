import type { Code } from "@connectrpc/connect";
import type { AttemptReason } from "./attempt.ts";
import type { BreakerState } from "./breaker.ts";
import type { HoldfastError, LeaseLostWhy } from "./errors.ts";
import type { FailureKind } from "./failure.ts";
import type { RecordName } from "./request.ts";

/** One try of a call; its repetitions are calls of their own. Not of WaitFor, which is a stream. */
export interface CallEvent {
  /** "Claim", "Heartbeat", "Complete", "Fail", "GetRecord". */
  readonly method: string;
  /** The gRPC code; 0 when it was answered. */
  readonly code: 0 | Code;
  /** Of the error; the empty string when there is none, or no server of Holdfast has answered. */
  readonly reason: string;
  readonly tookMs: number;
}

/** What a claim of `once` was settled with, after all its tries and waits. */
export interface ClaimEvent extends RecordName {
  /** "unspecified" is an outcome that this client does not know. */
  readonly outcome: "acquired" | "completed" | "failed" | "outcome-unknown" | "expired" | "unspecified";
  /** When acquired. */
  readonly reason: AttemptReason | undefined;
  readonly tookMs: number;
}

/** A result that was not worked for. */
export interface ReplayEvent extends RecordName {
  /** The attempt that did the work. */
  readonly attempt: number;
  readonly source: "server" | "cache";
}

/** The end of an attempt's own work, and of what was told to the server of it. */
export interface WorkEndEvent extends RecordName {
  /** Retryable to not-started: what the work threw means that. Unstored: it returned, and its end is not known to be stored. */
  readonly end: "completed" | "unstored" | FailureKind;
  readonly attempt: number;
  readonly tookMs: number;
}

export interface LeaseLostEvent extends RecordName {
  readonly why: LeaseLostWhy;
}

/** Work that begins without protection: see `whenUnavailable`. */
export interface UnprotectedEvent extends RecordName {
  /** Why no server could be asked. */
  readonly error: HoldfastError;
}

export interface BreakerEvent {
  readonly from: BreakerState;
  readonly to: BreakerState;
}

/**
 * Told of what the client does, for metrics and logs, on the call's own time: be quick. What they throw, or reject with,
 * is a warning "hook-failed", and the call goes on. Keys may be personal: a key is no label of a metric.
 */
export interface Hooks {
  onCall?(event: CallEvent): void;
  onClaim?(event: ClaimEvent): void;
  onReplay?(event: ReplayEvent): void;
  onWorkEnd?(event: WorkEndEvent): void;
  onLeaseLost?(event: LeaseLostEvent): void;
  onUnprotected?(event: UnprotectedEvent): void;
  onBreaker?(event: BreakerEvent): void;
}

/** Calls a hook, if there is one. Never throws. */
export type Tell = <Name extends keyof Hooks>(name: Name, event: Parameters<NonNullable<Hooks[Name]>>[0]) => void;

export function createTell(hooks: Hooks, onFailed: (name: keyof Hooks) => void): Tell {
  return (name, event) => {
    const hook = hooks[name] as ((event: unknown) => unknown) | undefined;
    if (hook === undefined) return;
    try {
      const returned = hook.call(hooks, event);
      // An async function is a hook too, as far as types go.
      if (returned instanceof Promise) returned.catch(() => onFailed(name));
    } catch {
      onFailed(name);
    }
  };
}
