import type { StoredRecord } from "../domain/record.ts";
import type { ClaimOutcome } from "../operations/claim-outcome.ts";
import type { WaitForEvent } from "../operations/wait-for.ts";
import type { CallTrace } from "../telemetry/call-trace.ts";
import { readTraceparent } from "../telemetry/traceparent.ts";
import { decodeEvidence } from "./wire/stored.ts";

/**
 * Says on the claim's span what it was told, and links it to the trace of the attempt that the answer speaks of: the one
 * that executes or executed, if that is not this call. So whoever looks at a replay is one step from what really ran,
 * and a reconciler from the attempt whose outcome it looks for.
 *
 * @param own what the call stores with an attempt that it begins
 */
export function noteClaim(trace: CallTrace, answer: ClaimOutcome, own: string | null): void {
  if (!trace.isRecorded) return;
  trace.note({ "holdfast.claim.outcome": answer.kind, "holdfast.attempt": answer.record.attempt });
  if (answer.kind === "acquired") trace.note({ "holdfast.claim.reason": answer.reason });
  if (answer.kind !== "expired") linkAttempt(trace, answer.record, own);
}

/** Each message is an event of the stream's span; an end or an unknown outcome links it to the attempt behind it. */
export function noteWaitForEvent(trace: CallTrace, { event }: WaitForEvent): void {
  if (!trace.isRecorded) return;
  trace.event(`holdfast.${event.kind}`);
  const isOver = event.kind === "outcome-unknown" || (event.kind === "ended" && event.state !== "expired");
  if (isOver) linkAttempt(trace, event.record, null);
}

function linkAttempt(trace: CallTrace, record: StoredRecord, own: string | null): void {
  const stored = readTraceparent(decodeEvidence(record).traceparent);
  if (stored !== null && stored !== own) trace.link(stored, { "holdfast.attempt": record.attempt });
}
