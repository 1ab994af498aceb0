import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Finish_Reason as FinishReasonProto,
  LeaseChanged_Kind as LeaseChangedKind,
  type WaitForResponseSchema,
  WaitMode,
  type WaitTarget as WaitTargetProto,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { LeaseChange, RecordEvent } from "../../operations/wait-changes.ts";
import type { WaitForEvent, WaitForInput, WaitForTarget } from "../../operations/wait-for.ts";
import type { FinishReason } from "../../operations/wait-targets.ts";
import { toCompleted, toExpired, toFailed, toOutcomeUnknown } from "./claim-response.ts";
import { toRecord } from "./record.ts";
import { fingerprintOf, keyOf } from "./request.ts";
import { decodeCheckpoint, decodeEvidence, decodeProgress } from "./stored.ts";
import { toTimestamp } from "./time.ts";

/** From the wire. */

export function waitTargetOf({ key, fingerprint }: WaitTargetProto): WaitForTarget {
  return { key: keyOf(key), fingerprint: fingerprintOf(fingerprint) };
}

export function waitModeOf(mode: WaitMode): WaitForInput["mode"] {
  return mode === WaitMode.ANY ? "any" : "all";
}

/** To the wire. */

type WaitForResponseInit = MessageInitShape<typeof WaitForResponseSchema>;
type Event = NonNullable<WaitForResponseInit["event"]>;
type Value<Case extends Event["case"]> = Extract<Event, { readonly case: Case }>["value"];

const LEASE_CHANGES = {
  lapsed: LeaseChangedKind.LAPSED,
  "taken-over": LeaseChangedKind.TAKEN_OVER,
  released: LeaseChangedKind.RELEASED,
  "retry-scheduled": LeaseChangedKind.RETRY_SCHEDULED,
} as const satisfies Record<LeaseChange, LeaseChangedKind>;

const FINISH_REASONS = {
  done: FinishReasonProto.DONE,
  timeout: FinishReasonProto.TIMEOUT,
  draining: FinishReasonProto.DRAINING,
  "max-age": FinishReasonProto.MAX_AGE,
} as const satisfies Record<FinishReason, FinishReasonProto>;

/** @param includeResult send results and errors with the ends */
export function toWaitForResponse({ index, event }: WaitForEvent, includeResult: boolean): WaitForResponseInit {
  return { targetIndex: index, event: toEvent(event, includeResult) };
}

function toEvent(event: WaitForEvent["event"], includeResult: boolean): Event {
  switch (event.kind) {
    case "snapshot":
      return { case: "snapshot", value: event.seen === null ? { absent: true } : { record: toRecord(event.seen) } };
    case "progress":
      return { case: "progress", value: stored(decodeProgress(event.record)) };
    case "checkpoint":
      return { case: "checkpoint", value: stored(decodeCheckpoint(event.record)) };
    case "lease-changed":
      return { case: "leaseChanged", value: leaseChanged(event) };
    case "outcome-unknown":
      return { case: "outcomeUnknown", value: toOutcomeUnknown(event.record) };
    case "ended":
      return { case: "ended", value: ended(event, includeResult) };
    case "keep-alive":
      return { case: "keepAlive", value: keepAlive(event) };
    case "finish":
      return { case: "finish", value: { reason: FINISH_REASONS[event.reason] } };
  }
}

function leaseChanged({
  change,
  record,
}: Extract<RecordEvent, { readonly kind: "lease-changed" }>): Value<"leaseChanged"> {
  const changed = { kind: LEASE_CHANGES[change], attempt: record.attempt, owner: decodeEvidence(record).owner };
  return change === "retry-scheduled" ? { ...changed, dueTime: toTimestamp(record.due) } : changed;
}

function ended(
  { state, record }: Extract<RecordEvent, { readonly kind: "ended" }>,
  includeResult: boolean,
): Value<"ended"> {
  switch (state) {
    case "completed":
      return { detail: { case: "completed", value: toCompleted(record, includeResult) } };
    case "failed":
      return { detail: { case: "failed", value: toFailed(record, includeResult) } };
    case "expired":
      return { detail: { case: "expired", value: toExpired(record) } };
  }
}

function keepAlive({
  serverTime,
  isPolling,
}: Extract<WaitForEvent["event"], { readonly kind: "keep-alive" }>): Value<"keepAlive"> {
  return { ...(serverTime !== null && { serverTime: toTimestamp(serverTime) }), polling: isPolling };
}

function stored<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("bug: nothing is told that is not there");
  return value;
}
