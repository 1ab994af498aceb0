import type { WaitForResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { RecordView } from "./record-view.ts";
import { type Decoding, type LeaseChange, viewEvent, type WaitEvent, type WaitTarget } from "./wait-event.ts";

/** What the reader of a wait has been told of one target, over however many streams. */
export interface WaitMemory<T> {
  readonly hasEnded: boolean;
  /** What there is to show of a message; undefined when the reader knows it, or there is nothing to show. */
  take(event: WaitForResponse["event"]): WaitEvent<T> | undefined;
}

/**
 * A stream begins with what is, and behind the snapshot it tells that a lease has run out, or that a due time has come.
 * Of a stream that takes the place of another one that is a repetition, unless it says otherwise than what is known.
 */
export function createWaitMemory<T>(target: WaitTarget, index: number, decoding: Decoding<T>): WaitMemory<T> {
  let known: Known | undefined;
  let lastChange = "";
  let hasEnded = false;

  return {
    get hasEnded() {
      return hasEnded;
    },

    take(message) {
      const event = viewEvent(message, { target, index }, decoding);
      if (event === undefined) return undefined;
      const before = known;
      known = knownAfter(before, event);
      hasEnded ||= event.kind === "ended";
      if (event.kind === "snapshot" && before !== undefined && !isNews(before, event.record)) return undefined;
      const change = changeText(event);
      const isRepeated = change !== "" && change === lastChange;
      lastChange = change;
      return isRepeated ? undefined : event;
    },
  };
}

/** What a snapshot would say, as far as it follows from what was told. A field that is left out is not known. */
type Known = Partial<Pick<RecordView, "attempt" | "fence" | "externalRef" | "reconciling">> & {
  readonly state: RecordView["state"] | "absent";
  readonly progress?: string;
  readonly checkpoint?: string;
};

function isNews(before: Known, record: RecordView | undefined): boolean {
  // The end comes next, and says it all.
  if (record?.endTime !== undefined) return false;
  const seen: Readonly<Record<string, unknown>> = knownBy(record);
  return Object.entries(before).some(([name, value]) => seen[name] !== value);
}

function knownAfter(before: Known | undefined, event: WaitEvent): Known {
  switch (event.kind) {
    case "snapshot":
      return knownBy(event.record);
    case "progress":
      return { state: "in-progress", ...before, progress: JSON.stringify(event.progress) };
    case "checkpoint":
      return { state: "in-progress", ...before, checkpoint: checkpointText(event.checkpoint) };
    case "lease-changed": {
      // The same lease has only run out; another one leaves nothing as it was but the checkpoint.
      const kept = event.change === "lapsed" ? before : checkpointOf(before);
      return { ...kept, state: STATE_AFTER[event.change], attempt: event.attempt };
    }
    case "outcome-unknown":
      return { ...checkpointOf(before), state: "outcome-unknown", attempt: event.evidence.attempt };
    case "ended":
      return { state: "completed" };
  }
}

const STATE_AFTER = {
  lapsed: "in-progress",
  "taken-over": "in-progress",
  released: "available",
  "retry-scheduled": "available",
  unspecified: "unspecified",
} as const satisfies Record<LeaseChange, RecordView["state"]>;

function knownBy(record: RecordView | undefined): Known {
  if (record === undefined) return { state: "absent" };
  const { state, attempt, fence, externalRef, reconciling, progress, checkpoint } = record;
  return {
    ...{ state, attempt, fence, externalRef, reconciling },
    progress: JSON.stringify(progress) ?? "",
    checkpoint: checkpointText(checkpoint),
  };
}

function checkpointOf(known: Known | undefined): Pick<Known, "checkpoint"> {
  return known?.checkpoint === undefined ? {} : { checkpoint: known.checkpoint };
}

/** After a reset the same sequence is another checkpoint. */
function checkpointText(checkpoint: RecordView["checkpoint"]): string {
  return checkpoint === undefined ? "" : `${checkpoint.sequence} ${checkpoint.recordTime?.getTime()}`;
}

/** What the server may tell again of the same lease; empty for what it tells once. */
function changeText(event: WaitEvent): string {
  if (event.kind === "lease-changed") return `${event.change} ${event.attempt} ${event.dueTime?.getTime()}`;
  if (event.kind !== "outcome-unknown") return "";
  return `unknown ${event.evidence.attempt} ${event.evidence.since?.getTime()}`;
}
