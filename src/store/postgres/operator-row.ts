import type { Instant } from "../../domain/instant.ts";
import type { StoredRecord } from "../../domain/record.ts";
import type { OperatorDecision } from "../../domain/reducer/operator.ts";
import type { OperatorAnswer } from "../operator-store.ts";
import type { Connection } from "./connection.ts";
import { decodeFound, type FoundRow } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import type { Statement } from "./statement.ts";

/** What release.sql, resolve.sql and reset.sql return: the record as it was left, or as it was found. */
type OperatorRow = FoundRow & {
  /** Its number in the audit log; null: nothing was changed. */
  readonly changed_sequence: bigint | null;
};

/**
 * Runs an operator's change and words its answer; a refusal by the reducer, over the record that the statement has found.
 * Null where the reducer would have made the change: the record has changed before the statement could.
 */
export async function runOperator(
  connection: Connection,
  statement: Statement,
  values: readonly unknown[],
  decide: (stored: StoredRecord | null, now: Instant) => OperatorDecision,
  time: ServerTime,
): Promise<OperatorAnswer | null> {
  const [row] = await connection.query<OperatorRow>(statement, [...values, time.asOf()]);
  if (row === undefined) throw new Error(`bug: no row from ${statement.name}`);
  const { seen_at: now, changed_sequence: auditSequence } = row;
  time.observed(now);
  const stored = decodeFound(row);
  if (auditSequence !== null && stored !== null) return { kind: "changed-record", record: stored, auditSequence, now };
  const { refusal } = decide(stored, now);
  if (refusal === null) return null;
  const found = refusal === "absent" || stored === null ? null : { ...stored, outcome: null };
  return { kind: "refused", why: refusal, record: found, now };
}
