import type { ChainPosition } from "../../domain/audit.ts";
import { type Verification, verifyAudit } from "../../store/postgres/audit/verify.ts";
import { connectionOf } from "../../store/postgres/identity.ts";
import type { DatabaseClient } from "../databases.ts";
import { jsonLine } from "../table.ts";
import { BROKEN_MEND, explainBreak, headText } from "./sentences.ts";

/** @param expected null: nobody has kept a head of this log */
export function verifyLog(client: DatabaseClient, expected: ChainPosition | null): Promise<Verification> {
  return verifyAudit(connectionOf(client), { expected, newest: null });
}

export function verificationJson(placement: string, { broken, lines, head }: Verification): string {
  if (broken === null) return jsonLine({ placement, whole: true, lines, head: headText(head) });
  const { kind: problem, sequence } = { sequence: undefined, ...broken };
  return jsonLine({
    ...{ placement, whole: false, lines, problem, sentence: explainBreak(broken) },
    ...(sequence !== undefined && { sequence: String(sequence) }),
  });
}

export function verificationText(name: string, { broken, lines, head }: Verification): string {
  if (broken !== null) {
    const before = `${countText(lines)} before that ${lines === 1 ? "is" : "are"} good`;
    return `${name}: the audit log is broken: ${explainBreak(broken)}. ${before}.\n${BROKEN_MEND}\n`;
  }
  if (lines === 0) return `${name}: the audit log is empty.\n`;
  return `${name}: ${countText(lines)}, each as it was written. Head: ${headText(head)}\n`;
}

/** What the log cannot tell of itself. */
export function keepText(heads: ReadonlyMap<string, ChainPosition>): string {
  const flags = [...heads].map(([name, head]) => `  --expect-head ${name}=${headText(head)}`);
  if (flags.length === 0) return "";
  return [
    "Whoever may write to the database can cut lines off the end, or write the log anew, unseen. Unless a head is kept",
    'elsewhere, and given to "holdfast audit verify" the next time:',
    ...flags,
    "",
  ].join("\n");
}

function countText(lines: number): string {
  return lines === 1 ? "1 line" : `${lines} lines`;
}
