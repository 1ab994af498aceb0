import { statusText } from "../status-codes.ts";
import { timeText } from "../times.ts";
import type { EventView, RecordView } from "./view.ts";

/** What happened to a record, a dated line each. */
export function historyOf({ events }: RecordView): readonly string[] {
  return events.map((event, index) => {
    const { timeMs, traceId } = event;
    const trace = traceId === "" ? "" : ` [trace ${traceId}]`;
    return `${timeMs === null ? "?" : timeText(timeMs)}  ${eventText(event, events[index - 1]?.kind)}${trace}`;
  });
}

/** @param before what happened just before it */
function eventText(event: EventView, before: string | undefined): string {
  const { attempt, late, error } = event;
  const by = event.owner === "" ? "" : `: ${event.owner}`;
  const what = error === null ? "" : `: ${statusText(error)}`;
  const after = late ? ", after its lease was over" : "";
  switch (event.kind) {
    case "claimed":
    case "retried":
      return `attempt ${attempt} began${by}`;
    case "taken-over":
      return `attempt ${attempt} took over${by}`;
    case "reconciling":
      return `somebody began to find out what became of attempt ${attempt}`;
    case "completed":
      return `attempt ${attempt} completed it${after}`;
    case "failed-retryable":
      return `attempt ${attempt} failed, and may be tried again${after}${what}`;
    case "failed":
      return `attempt ${attempt} failed for good${after}${what}`;
    case "not-started":
      return "an attempt had not begun its work, and is not counted";
    case "outcome-unknown":
      return `nobody knows whether attempt ${attempt} did its work${what}`;
    case "attempts-used-up":
      return `attempt ${attempt} was the last one allowed, and the record failed for good`;
    case "lease-expired":
      return `the lease of ${before === "reconciling" ? "whoever was finding out" : `attempt ${attempt}`} ran out`;
    case "released":
      return operator(event, before === "reconciling" ? "took the reconciler's lease away" : "took the lease away");
    case "resolved":
      return operator(event, "said what became of it");
    case "reset":
      return operator(event, "reset it");
    default:
      // Of a newer server.
      return `${event.kind}${by}`;
  }
}

function operator({ actor, reason, auditSequence }: EventView, what: string): string {
  const line = auditSequence === "0" ? "" : ` (audit line ${auditSequence})`;
  return `${actor || "an operator"} ${what}${reason === "" ? "" : `: "${reason}"`}${line}`;
}
