import type { WaitEnd, WaitEvent } from "../../../src/client/client.ts";
import { describeError } from "./errors.ts";
import { told } from "./values.ts";

/** As the protocol tells it. */
export function showEvent(call: number, event: WaitEvent): object {
  const { index } = event;
  const shown = { event: "wait", call, index, state: null, end: null, value: null };
  switch (event.kind) {
    case "snapshot":
      return { ...shown, kind: "state", state: event.record?.state ?? "absent" };
    case "outcome-unknown":
      return { ...shown, kind: "state", state: "outcome-unknown" };
    case "progress":
      return { ...shown, kind: "progress", ...event.progress };
    case "checkpoint":
      return { ...shown, kind: "checkpoint", ...told(event.checkpoint.data) };
    case "lease-changed":
      return { ...shown, kind: "lease", change: event.change, attempt: event.attempt };
    case "ended":
      return { ...shown, kind: "ended", ...showEnd(event.end) };
  }
}

function showEnd(end: WaitEnd): object {
  switch (end.kind) {
    case "completed":
      return { end: "completed", ...told(end.value) };
    case "result-unavailable":
      return { end: "completed", error: describeError(end.error) };
    case "failed":
    case "expired":
      return { end: end.kind, error: describeError(end.error) };
  }
}
