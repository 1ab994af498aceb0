import { statusText } from "../status-codes.ts";
import { timeText } from "../times.ts";
import { type SaidVerdict, verdictOf } from "./verdict-of.ts";
import type { EventView, RecordView } from "./view.ts";

/** What happened to a record, a dated line each. */
export function historyOf(record: RecordView): readonly string[] {
  const { events } = record;
  return events.flatMap((event, index) => {
    const { timeMs, traceId } = event;
    const before = events[index - 1];
    const trace = traceId === "" ? "" : ` [trace ${traceId}]`;
    const verdict = verdictOf(record, index);
    return [
      ...lapseBetween(before, event),
      `${timeMs === null ? "?" : timeText(timeMs)}  ${eventText(event, before?.kind, verdict)}${trace}`,
    ];
  });
}

/** As wide as a time. */
const NO_TIME = "(time not kept)".padEnd(20);

const BEGINNINGS: ReadonlySet<string> = new Set(["claimed", "retried", "taken-over"]);

/**
 * The end of a lease that ran out is told only as long as it is the newest thing that happened. Afterwards it shows in what
 * could not have happened without it, to an attempt that nothing else has ended.
 */
function lapseBetween(before: EventView | undefined, { kind }: EventView): readonly string[] {
  if (before === undefined) return [];
  if (before.kind === "reconciling" && kind === "reconciling") return [`${NO_TIME}  ${lapseText(before, true)}`];
  const isWithout = kind === "taken-over" || kind === "reconciling" || kind === "resolved";
  return isWithout && BEGINNINGS.has(before.kind) ? [`${NO_TIME}  ${lapseText(before, false)}`] : [];
}

function lapseText({ attempt }: EventView, isReconciler: boolean): string {
  return `the lease of ${isReconciler ? "whoever was finding out" : `attempt ${attempt}`} ran out`;
}

const VERDICTS = {
  done: "said that it was done, and stored its result",
  "not-done": "said that it was not done",
  failed: "said that it will not be done, and stored an error",
} as const satisfies Record<SaidVerdict, string>;

/** @param before what happened just before it */
function eventText(event: EventView, before: string | undefined, verdict: SaidVerdict | null): string {
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
      return `${event.owner || "somebody"} began to find out what became of attempt ${attempt}`;
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
      return lapseText(event, before === "reconciling");
    case "released":
      return operator(
        event,
        before === "reconciling" ? "took the reconciler's lease away" : `took the lease of attempt ${attempt} away`,
      );
    case "resolved":
      return operator(
        event,
        verdict === null
          ? "said what became of it"
          : `${VERDICTS[verdict]}${error === null ? "" : ` (${statusText(error)})`}`,
      );
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
