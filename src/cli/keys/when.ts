import { ageText, timeText } from "../times.ts";

/** `2026-11-27 03:04:11Z (3m12s ago)`; what lies ahead is `(in 18s)`. */
export function when(ms: number | null, nowMs: number): string {
  if (ms === null) return "an unknown time";
  return `${timeText(ms)} (${ms > nowMs ? `in ${ageText(ms - nowMs)}` : `${ageText(nowMs - ms)} ago`})`;
}
