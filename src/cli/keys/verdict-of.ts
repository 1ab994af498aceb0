import type { RecordView } from "./view.ts";

/** What an operator said of an unknown outcome. */
export type SaidVerdict = "done" | "not-done" | "failed";

/**
 * Which verdict it was that an operator gave, as far as what came of it tells; null: it does not.
 *
 * The event itself tells an error only, and that only to whoever may read one. The newest verdict is what the record is
 * now. One before it shows in the retry that followed: an attempt that had not done its work is not counted, so the next
 * one has its number; one after a failure has the number after it.
 *
 * @param index of a resolution among the record's events
 */
export function verdictOf({ events, state, failReason }: RecordView, index: number): SaidVerdict | null {
  const [resolved, next] = events.slice(index, index + 2);
  if (resolved?.kind !== "resolved") return null;
  if (resolved.error !== null) return "failed";
  if (next?.kind === "retried") return next.attempt === resolved.attempt ? "not-done" : "failed";
  if (next !== undefined) return null;
  if (state === "completed") return "done";
  if (state === "available") return "not-done";
  return state === "failed" && failReason === "resolved" ? "failed" : null;
}
