import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Acquired, ClaimResponse, Record as RecordMessage } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { decodeResult, encodeResult } from "./body.ts";
import { claimOnce } from "./claim-call.ts";
import type { Serializer } from "./content.ts";
import { sendComplete, sendFail } from "./ends.ts";
import { AnswerIncompleteError, LeaseLostError } from "./errors.ts";
import { AttemptFailure, outcomeUnknown } from "./failure.ts";
import { HeldLease } from "./lease.ts";
import { FailedError } from "./outcome-errors.ts";
import { type RecordName, reconcileRequest } from "./request.ts";
import { type Answered, retrying } from "./retry.ts";
import { follow, type Runtime } from "./runtime.ts";
import { asFailure, evidence, type UnknownOutcome, type Verdict } from "./verdict.ts";
import { toHoldfastError } from "./wire-error.ts";

export interface ReconcileOptions<T> extends RecordName {
  /** 1 s to 1 h, default 30 s. When it runs out, the outcome is unknown again, whatever the policy. */
  readonly leaseMs?: number;
  readonly signal?: AbortSignal;
  readonly serializer?: Serializer<T>;
}

export type Reconciled<T> =
  /** The verdict is stored. */
  | { readonly kind: "settled"; readonly verdict: "done" | "failed" | "not-started" | "retry" | "unknown" }
  /** The record has ended: before, or meanwhile, by the attempt itself. */
  | { readonly kind: "completed"; readonly value: T }
  | { readonly kind: "failed"; readonly error: FailedError }
  | { readonly kind: "expired" }
  /** Somebody works on it, or reconciles it. */
  | { readonly kind: "in-progress"; readonly retryAfterMs: number }
  /** There is nothing to find out: it can be claimed. */
  | { readonly kind: "available" }
  | { readonly kind: "absent" }
  /** The lease was lost before the verdict was stored: the attempt or an operator has ended it. Ask again. */
  | { readonly kind: "superseded" };

/** Finds out what became of an unknown outcome; see `Holdfast.reconcile`. */
export async function reconcile<T>(
  runtime: Runtime,
  options: ReconcileOptions<T>,
  judge: (unknown: UnknownOutcome) => Promise<Verdict<T>>,
): Promise<Reconciled<T>> {
  const limit = new AbortController();
  const unfollow = follow(limit, [options.signal, runtime.lifetime.closing]);
  try {
    const claimed = await claimToReconcile(runtime, options, limit.signal);
    if ("kind" in claimed) return claimed;
    const { detail } = claimed.answer;
    if (detail.case !== "acquired") return observed(claimed.answer, options);
    return await investigate(
      runtime,
      options,
      { acquired: detail.value, sentAtMs: claimed.sentAtMs },
      limit.signal,
      judge,
    );
  } finally {
    unfollow();
  }
}

async function claimToReconcile<T>(
  runtime: Runtime,
  options: ReconcileOptions<T>,
  signal: AbortSignal,
): Promise<Answered<ClaimResponse> | { readonly kind: "available" | "absent" }> {
  const request = reconcileRequest(runtime, options);
  try {
    return await claimOnce(runtime, request, { signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const known = toHoldfastError(error);
    if (known.reason === "RECORD_NOT_FOUND") return { kind: "absent" };
    if (known.reason === "INVALID_STATE") return { kind: "available" };
    throw known;
  }
}

function observed<T>({ detail }: ClaimResponse, { serializer }: ReconcileOptions<T>): Reconciled<T> {
  switch (detail.case) {
    case "completed": {
      const { result } = detail.value;
      if (result === undefined) break;
      return { kind: "completed", value: decodeResult<T>(result, serializer, { replayed: true }) };
    }
    case "failed":
      return { kind: "failed", error: new FailedError(detail.value) };
    case "expired":
      return { kind: "expired" };
    case "inProgress": {
      const { retryAfter } = detail.value;
      return { kind: "in-progress", retryAfterMs: retryAfter === undefined ? 0 : durationMs(retryAfter) };
    }
    default:
      break;
  }
  throw new AnswerIncompleteError("what no reconciler can be told");
}

async function investigate<T>(
  runtime: Runtime,
  options: ReconcileOptions<T>,
  { acquired, sentAtMs }: { readonly acquired: Acquired; readonly sentAtMs: number },
  signal: AbortSignal,
  judge: (unknown: UnknownOutcome) => Promise<Verdict<T>>,
): Promise<Reconciled<T>> {
  const { scope, key, leaseMs, serializer } = options;
  const lease = new HeldLease(runtime, acquired, { scope, key, leaseMs, sentAtMs, signals: [signal] });
  try {
    const verdict = await judgeOrGiveBack(runtime, lease, async () =>
      judge(evidence(lease, acquired, await readRecord(runtime, options, lease))),
    );
    return await storeVerdict(runtime, lease, verdict, serializer);
  } finally {
    lease.end();
  }
}

/** A judge who throws has found out nothing: the outcome is as unknown as before. */
async function judgeOrGiveBack<T>(runtime: Runtime, lease: HeldLease, judge: () => Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (thrown) {
    const cause = thrown instanceof AttemptFailure ? thrown.cause : thrown;
    await sendFail(runtime, lease.handle, outcomeUnknown(cause)).catch((error: unknown) => {
      // Its lease runs out, and then the outcome is unknown again.
      const { scope, key } = lease.handle.key ?? { scope: "", key: "" };
      if (!(error instanceof LeaseLostError)) {
        runtime.warn({ kind: "fail-not-stored", scope, key, error: toHoldfastError(error) });
      }
    });
    throw cause;
  }
}

async function storeVerdict<T>(
  runtime: Runtime,
  { handle }: HeldLease,
  verdict: Verdict<T>,
  serializer: Serializer<T> | undefined,
): Promise<Reconciled<T>> {
  try {
    if ("done" in verdict) {
      await sendComplete(runtime, handle, encodeResult(verdict.done, serializer).result);
      return { kind: "settled", verdict: "done" };
    }
    const [told, failure] = asFailure(verdict);
    await sendFail(runtime, handle, failure);
    return { kind: "settled", verdict: told };
  } catch (error) {
    if (error instanceof LeaseLostError) return { kind: "superseded" };
    throw error;
  }
}

/** The claim's answer does not carry the suspect's owner and external reference; the record does. */
async function readRecord<T>(
  runtime: Runtime,
  { scope, key }: ReconcileOptions<T>,
  lease: HeldLease,
): Promise<RecordMessage | undefined> {
  const bounds = { giveUpAtMs: runtime.clock.monotonicMs() + lease.remainingMs(), signal: lease.signal };
  const name = { tenant: runtime.tenant, scope, key };
  const { answer } = await retrying(runtime, bounds, (options) => runtime.rpc.getRecord({ key: name }, options));
  return answer.record;
}
