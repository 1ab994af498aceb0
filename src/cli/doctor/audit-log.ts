import type { Verification } from "../../store/postgres/audit/verify.ts";
import type { TriggerFacts } from "../../store/postgres/doctor/facts.ts";
import { BROKEN_MEND, explainBreak, headText } from "../audit/sentences.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Half a second's work; `holdfast audit verify` checks all of them. */
export const NEWEST_LINES = 50_000;

export function judgeAuditLog({ broken, lines, head }: Verification): Finding {
  const { ok, problem } = findingsOf("audit");
  if (broken !== null) return problem(`The audit log is broken: ${explainBreak(broken)}.`, BROKEN_MEND);
  if (lines === 0) return ok("The audit log is empty.");
  const which = lines < NEWEST_LINES ? `Its ${lines} lines are` : `Its newest ${NEWEST_LINES} lines are`;
  return ok(`${which} as they were written. Head: ${headText(head)}`);
}

/** Without them lines are not chained, may be changed, or records lose their histories. */
const NEEDED = ["audit_chain", "audit_end", "audit_keep", "audit_keep_all"];

export function judgeTriggers(triggers: readonly TriggerFacts[]): Finding {
  const { ok, problem } = findingsOf("triggers");
  const missing = NEEDED.filter((needed) => !triggers.some(({ name }) => name === needed));
  const off = triggers.filter(({ enabled }) => !enabled).map(({ name }) => name);
  if (missing.length > 0) {
    return problem(
      `Triggers that the schema has are gone: ${missing.join(", ")}.`,
      'Find out who dropped them, and create them as "holdfast migrate plan" of an empty database has them.',
    );
  }
  if (off.length > 0) {
    return problem(
      `Triggers are disabled: ${off.join(", ")}.`,
      `Find out who did it, and run for each: alter table holdfast.TABLE enable trigger NAME.`,
    );
  }
  return ok("All are there, and enabled.");
}
