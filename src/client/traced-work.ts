import type { Attempt } from "./attempt.ts";
import { type Once, type OnceOptions, once } from "./once.ts";
import { type Reconciled, type ReconcileOptions, reconcile } from "./reconcile.ts";
import type { Runtime } from "./runtime.ts";
import { inSpan } from "./tracing.ts";
import type { UnknownOutcome, Verdict } from "./verdict.ts";

/**
 * `once` below a span of its own, and the work below another one: calls, heartbeats and what the work does are one trace.
 * The scope is shown, for it says what kind of work it is; the key never.
 */
export function tracedOnce<T>(
  runtime: Runtime,
  options: OnceOptions<T>,
  work: (attempt: Attempt) => T | Promise<T>,
): Promise<Once<T>> {
  return inSpan("holdfast.once", { "holdfast.scope": options.scope }, async (note) => {
    const done = await once(runtime, options, (attempt) =>
      inSpan("holdfast.work", shown(attempt), () => work(attempt)),
    );
    note({ "holdfast.replayed": done.replayed, "holdfast.attempt": done.attempt });
    if (!done.protected) note({ "holdfast.protected": false });
    return done;
  });
}

/** The same for `reconcile` and its judge. */
export function tracedReconcile<T>(
  runtime: Runtime,
  options: ReconcileOptions<T>,
  judge: (unknown: UnknownOutcome) => Promise<Verdict<T>>,
): Promise<Reconciled<T>> {
  return inSpan("holdfast.reconcile", { "holdfast.scope": options.scope }, async (note) => {
    const reconciled = await reconcile(runtime, options, (unknown) =>
      inSpan("holdfast.judge", {}, () => judge(unknown)),
    );
    note({ "holdfast.reconciled": reconciled.kind });
    return reconciled;
  });
}

function shown({ number, reason }: Attempt) {
  return { "holdfast.attempt": number, "holdfast.claim.reason": reason };
}
