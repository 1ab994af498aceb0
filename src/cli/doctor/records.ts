import type { StuckReason } from "../../domain/stuck.ts";
import { DUE_MAX, type SweepingFacts } from "../../store/postgres/doctor/facts.ts";
import type { CountedRecords } from "../../store/postgres/doctor/open-records.ts";
import { ageText } from "../times.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** The longest --sweep-interval is an hour. */
const HOUR = 3600;

export function judgeSweeping({ due, seconds }: SweepingFacts): Finding {
  const { ok, above } = findingsOf("sweeper");
  if (due === 0) return ok("Nothing is past its retention.");
  const many = due >= DUE_MAX ? `${DUE_MAX} records or more` : due === 1 ? "1 record" : `${due} records`;
  const sentence = `${many} past retention wait to be swept, the first for ${ageText(seconds * 1000)}.`;
  const mend =
    "They take up space and nothing else. Is a server running, and does its log say that sweeping fails? A shorter " +
    "--sweep-interval or another server sweeps more.";
  return above(seconds, HOUR / 6, 2 * HOUR, sentence, mend) ?? ok(sentence);
}

const WORDS: Readonly<Record<StuckReason, string>> = {
  "outcome-unknown": "of unknown outcome",
  "lease-expired": "left by their holders",
  overdue: "to be claimed again, and nobody has",
};

/** Not a problem of the database: whoever runs the workers decides what it is. */
export function judgeOpenRecords({ open, stuck, stuckMsMax, isCutShort }: CountedRecords): Finding {
  const { ok, warning } = findingsOf("records");
  if (open === 0) return ok("No record is open.");
  const all = isCutShort ? `Of the first ${open} open records` : `Of ${open} open records`;
  const parts = (Object.keys(WORDS) as StuckReason[])
    .filter((reason) => stuck[reason] > 0)
    .map((reason) => `${stuck[reason]} ${WORDS[reason]} (longest ${ageText(stuckMsMax[reason])})`);
  if (parts.length === 0) return ok(`${all} none is stuck.`);
  return warning(
    `${all} some are stuck: ${parts.join(", ")}.`,
    'Run "holdfast keys list --stuck --all-tenants", and "holdfast keys why KEY --scope SCOPE" for what to do about one.',
  );
}
