import type { RecordEvent, RecordEventKind } from "../../domain/history.ts";
import type { Instant } from "../../domain/instant.ts";
import { isForgotten } from "../../domain/record.ts";
import type { ChangeNote, HistoryQuery, RecordHistory } from "../operator-store.ts";
import type { Connection } from "./connection.ts";
import { decodeRecord, plain, plainOrNull, type RecordRow } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const history = loadStatement("history");

const KINDS = [
  "claimed",
  "taken-over",
  "retried",
  "reconciling",
  "completed",
  "failed-retryable",
  "failed",
  "not-started",
  "outcome-unknown",
  "attempts-used-up",
  "released",
  "resolved",
  "reset",
] as const satisfies RecordEventKind[];

type RecordLine = RecordRow & { readonly seen_at: Instant; readonly sequence: null };

interface EventLine {
  readonly sequence: bigint;
  readonly kind: number;
  readonly time: Instant;
  readonly event_attempt: number;
  readonly event_fence: bigint;
  readonly event_evidence: Uint8Array;
  readonly error: Uint8Array | null;
  readonly late: boolean;
  readonly audit_sequence: bigint | null;
  /** Null: no operator made it, or the line is not in the audit log. */
  readonly actor: string | null;
  readonly note: string | null;
}

/** `history` is null when the record is absent or forgotten. */
export async function readHistory(
  connection: Connection,
  { key: { tenant, scope, key }, withOutcomes }: HistoryQuery,
  time: ServerTime,
): Promise<{ readonly history: RecordHistory | null }> {
  const rows = await connection.query<RecordLine | EventLine>(history, [tenant, scope, key, withOutcomes, time.asOf()]);
  const [first, ...others] = rows;
  if (first === undefined) return { history: null };
  if (isEvent(first)) throw new Error("bug: a history without its record");
  const record = decodeRecord(first);
  const now = first.seen_at;
  if (isForgotten(record, now)) return { history: null };
  const lines = others.filter(isEvent);
  return { history: { record, events: lines.map(decodeEvent), notes: new Map(lines.flatMap(noteOf)), now } };
}

function isEvent(row: RecordLine | EventLine): row is EventLine {
  return row.sequence !== null;
}

function decodeEvent(row: EventLine): RecordEvent {
  return {
    sequence: row.sequence,
    kind: decodeKind(row.kind),
    time: row.time,
    attempt: row.event_attempt,
    fence: row.event_fence,
    evidence: plain(row.event_evidence),
    error: plainOrNull(row.error),
    late: row.late,
    auditSequence: row.audit_sequence,
  };
}

function decodeKind(code: number): RecordEventKind {
  const kind = KINDS[code - 1];
  if (kind === undefined) throw new Error(`bug: no kind of event has the code ${code}`);
  return kind;
}

function noteOf({ audit_sequence: sequence, actor, note }: EventLine): readonly (readonly [bigint, ChangeNote])[] {
  return sequence === null || actor === null || note === null ? [] : [[sequence, { actor, reason: note }]];
}
