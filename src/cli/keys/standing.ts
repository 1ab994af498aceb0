import { statusText } from "../status-codes.ts";
import type { EventView, RecordView } from "./view.ts";
import { when } from "./when.ts";

/** What is known of a record now, as sentences. */
export function standingOf(record: RecordView): readonly string[] {
  return [...stateOf(record), ...evidenceOf(record)];
}

function stateOf(record: RecordView): readonly string[] {
  switch (record.state) {
    case "in-progress":
      return record.reconciling ? reconciling(record) : inProgress(record);
    case "available":
      return available(record);
    case "outcome-unknown":
      return unknown(record);
    case "completed":
      return completed(record);
    case "failed":
      return failed(record);
    case "expired":
      return expired(record);
  }
}

function inProgress(record: RecordView): readonly string[] {
  const { leaseExpireMs, nowMs, attemptStartMs } = record;
  if (isLapsed(record)) {
    return [
      `${attemptOf(record)} began at ${when(attemptStartMs, nowMs)}.`,
      `Its lease ran out at ${when(leaseExpireMs, nowMs)}, and nobody has taken over.`,
    ];
  }
  return [
    `${attemptOf(record)} has been at work since ${when(attemptStartMs, nowMs)}.`,
    `Its lease runs out at ${when(leaseExpireMs, nowMs)}, unless a heartbeat extends it.`,
    ...longest(record),
  ];
}

function longest({ policy, attemptStartMs, nowMs }: RecordView): readonly string[] {
  if (policy === null || policy.maxExecutionMs === null || attemptStartMs === null) return [];
  return [`No heartbeat extends it beyond ${when(attemptStartMs + policy.maxExecutionMs, nowMs)}.`];
}

/** What the record holds of its owner is that of the attempt in doubt, until there is a verdict. */
function reconciling(record: RecordView): readonly string[] {
  const { leaseExpireMs, nowMs, attemptStartMs, events } = record;
  const who = reconcilerOf(events.findLast(({ kind }) => kind === "reconciling"));
  return [
    `Nobody knows whether ${attemptInside(record)} did its work.`,
    `${who} has been finding out since ${when(attemptStartMs, nowMs)}, with a lease until ${when(leaseExpireMs, nowMs)}, unless a heartbeat extends it.`,
  ];
}

/** To begin a sentence with. */
function reconcilerOf(event: EventView | undefined): string {
  return event === undefined || event.owner === "" ? "Somebody" : `The reconciler ${event.owner}`;
}

function available(record: RecordView): readonly string[] {
  const { dueMs, nowMs, policy, attempt } = record;
  const isDue = dueMs === null || dueMs <= nowMs;
  const claimable = isDue
    ? `It has been claimable since ${when(dueMs, nowMs)}.`
    : `It can be claimed from ${when(dueMs, nowMs)} on.`;
  if (policy === null) return ["An operator has reset it.", claimable];
  const last = record.events.at(-1);
  if (last?.kind === "resolved") {
    return [`An operator said at ${when(last.timeMs, nowMs)} that attempt ${last.attempt} had not done it.`, claimable];
  }
  if (last?.kind === "released") return [releaseOf(last, nowMs), claimable];
  return [
    attempt === 0 ? "No attempt has done any of its work." : `${attemptOf(record)} ended without a result.`,
    claimable,
  ];
}

function releaseOf({ timeMs, attempt, reason }: EventView, nowMs: number, of = `attempt ${attempt}`): string {
  return `An operator took the lease of ${of} away at ${when(timeMs, nowMs)}${reason === "" ? "" : `: "${reason}"`}.`;
}

function unknown(record: RecordView): readonly string[] {
  return [`Nobody knows whether ${attemptInside(record)} did its work.`, ...whyUnknown(record)];
}

function whyUnknown(record: RecordView): readonly string[] {
  const { unknownReason, nowMs, events } = record;
  const last = events.at(-1);
  const at = last === undefined ? "" : ` at ${when(last.timeMs, nowMs)}`;
  if (last?.kind === "released") {
    return [releaseOf(last, nowMs, events.at(-2)?.kind === "reconciling" ? "whoever was finding out" : undefined)];
  }
  switch (unknownReason) {
    case "reported":
      return last?.kind === "outcome-unknown"
        ? [`Its holder, or who looked into it, said so${at}.`]
        : ["Its holder said so."];
    case "store-restored":
      return ["The database has been restored from a backup since."];
    case "lease-expired":
    case "":
      if (last?.kind !== "lease-expired") return ["Its lease ran out before it said so."];
      return wasReconciled(events)
        ? [`${reconcilerOf(events.at(-2))} was finding out, and that lease ran out${at}.`]
        : [`Its lease ran out${at}, before it said so.`];
  }
}

/** The lease that ran out last was a reconciler's. */
function wasReconciled(events: readonly EventView[]): boolean {
  return events.at(-2)?.kind === "reconciling";
}

function completed(record: RecordView): readonly string[] {
  const { endMs, nowMs, events } = record;
  const what =
    events.at(-1)?.kind !== "resolved"
      ? `${attemptOf(record)} completed it at ${when(endMs, nowMs)}.`
      : `An operator said at ${when(endMs, nowMs)} that it was done, and stored its result.`;
  return [what, ...kept(record, "its result")];
}

function failed(record: RecordView): readonly string[] {
  const { endMs, nowMs, failReason } = record;
  const at = when(endMs, nowMs);
  switch (failReason) {
    case "resolved":
      return [`An operator said at ${at} that it will not be done.`, ...kept(record, "an error")];
    case "max-attempts":
      return [
        `${attemptOf(record)} was the last one allowed, and ended without a result at ${at}.`,
        ...kept(record, "that failure"),
      ];
    case "reported":
    case "":
      return [`${attemptOf(record)} failed for good at ${at}.`, ...kept(record, "its error")];
  }
}

function kept({ resultExpireMs, tombstoneExpireMs, nowMs }: RecordView, what: string): readonly string[] {
  const answered = `Claims are answered with ${what} until ${when(resultExpireMs, nowMs)}.`;
  const isLonger = (tombstoneExpireMs ?? 0) > (resultExpireMs ?? 0);
  return isLonger
    ? [answered, `From then until ${when(tombstoneExpireMs, nowMs)} they are only told that it has ended.`]
    : [answered];
}

function expired({ endMs, resultExpireMs, tombstoneExpireMs, nowMs }: RecordView): readonly string[] {
  return [
    `It ended at ${when(endMs, nowMs)}.`,
    `Its result was kept until ${when(resultExpireMs, nowMs)}.`,
    `Claims are told that it has ended, until ${when(tombstoneExpireMs, nowMs)}.`,
  ];
}

/** What helps to find out about the work, and whom it concerns. */
function evidenceOf(record: RecordView): readonly string[] {
  const { error, externalRef, checkpoint, progress, hasWaiters, state } = record;
  const isOpen = state === "in-progress" || state === "available" || state === "outcome-unknown";
  const told: string[] = [];
  if (error !== null) told.push(`The last error: ${statusText(error)}`);
  if (externalRef !== "") told.push(`The holder noted an external reference: ${externalRef}`);
  if (isOpen && checkpoint !== null)
    told.push(`The last checkpoint is number ${checkpoint.sequence}${named(checkpoint.name)}.`);
  if (isOpen && progress !== null) {
    told.push(`The last progress is ${Math.round(progress.fraction * 100)} %${named(progress.message)}.`);
  }
  if (isOpen && hasWaiters) told.push("Somebody waits for its end.");
  return told;
}

function named(text: string): string {
  return text === "" ? "" : `, "${text}"`;
}

/** To begin a sentence with. */
function attemptOf({ attempt, owner }: RecordView): string {
  return `Attempt ${attempt}${owner === "" ? "" : ` (${owner})`}`;
}

function attemptInside(record: RecordView): string {
  return attemptOf(record).replace(/^A/, "a");
}

/** The holder's lease is over, and it is not a reconciler's. */
export function isLapsed({ state, leaseExpireMs, nowMs }: RecordView): boolean {
  return state === "in-progress" && leaseExpireMs !== null && leaseExpireMs <= nowMs;
}
