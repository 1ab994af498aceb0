import type { Client } from "@connectrpc/connect";
import type { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Breaker } from "./breaker.ts";
import { ClosedError, type HoldfastError } from "./errors.ts";
import type { Tell } from "./hooks.ts";
import type { Platform } from "./platform.ts";
import type { ResultCache } from "./result-cache.ts";
import type { RetryDeps } from "./retry.ts";

export type Rpc = Client<typeof IdempotencyService>;

/** Something that went wrong beside the caller's call, and so can be thrown to nobody. */
export interface Warning {
  /**
   * heartbeat-failed: the lease is not extended for now · fail-not-stored: the attempt's error is not recorded, and the
   * record waits for the lease to run out · give-back-failed: the same for a claim whose caller had gone ·
   * policy-differs: the record's first claim fixed another policy than this one asked for · unprotected: no server could
   * be asked, and the work runs all the same, as `whenUnavailable` has it · hook-failed: a hook has thrown; its name is
   * in the error, and there is neither scope nor key.
   */
  readonly kind:
    | "heartbeat-failed"
    | "fail-not-stored"
    | "give-back-failed"
    | "policy-differs"
    | "unprotected"
    | "hook-failed";
  readonly scope: string;
  readonly key: string;
  readonly error?: HoldfastError;
}

/** What every part of the client works with. */
export interface Runtime extends RetryDeps {
  readonly rpc: Rpc;
  readonly platform: Platform;
  readonly tenant: string;
  readonly owner: { readonly service: string; readonly instance: string };
  readonly warn: (warning: Warning) => void;
  readonly tell: Tell;
  readonly breaker: Breaker;
  readonly cache: ResultCache;
  /** Of the newest lease: what the server takes an empty tenant for. Empty before the first one. */
  readonly acquiredFor: { tenant: string };
  readonly lifetime: Lifetime;
}

/** Lets close() end what is waiting, and wait for what is ending. */
interface Lifetime {
  /** Aborted when the client is closed. */
  readonly closing: AbortSignal;
  /** Has close() wait for the promise to settle. Refused once closing. */
  run<T>(begin: () => Promise<T>): Promise<T>;
  /** The same for what nobody else waits for, and also while closing. Must not reject. */
  keep(task: Promise<void>): void;
  close(): Promise<void>;
}

export function createLifetime(): Lifetime {
  const controller = new AbortController();
  const open = new Set<Promise<unknown>>();
  const track = (task: Promise<unknown>) => {
    open.add(task);
    const drop = () => open.delete(task);
    task.then(drop, drop);
  };

  return {
    closing: controller.signal,
    async run(begin) {
      controller.signal.throwIfAborted();
      const task = begin();
      track(task);
      return await task;
    },
    keep: track,
    async close() {
      controller.abort(new ClosedError());
      while (open.size > 0) await Promise.allSettled(open);
    },
  };
}

/**
 * A signal that never aborts: ends of attempts are sent to the last, whoever has gone meanwhile. A new one each time, for
 * there are runtimes that let nobody make one while modules are loaded, nor use one of another request.
 */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** Aborts the controller with the first of the signals, until the returned function is called. */
export function follow(controller: AbortController, signals: readonly (AbortSignal | undefined)[]): () => void {
  // Not AbortSignal.any: a process-wide signal would keep a reference for each call that ever followed it.
  const stops = signals.map((signal) => {
    if (signal === undefined) return () => undefined;
    const onAbort = () => controller.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    return () => signal.removeEventListener("abort", onAbort);
  });
  return () => {
    for (const stop of stops) stop();
  };
}
