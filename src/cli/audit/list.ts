import type { Instant } from "../../domain/instant.ts";
import { type AuditQuery, type ListedLine, listAudit } from "../../store/postgres/audit/list.ts";
import { connectionOf } from "../../store/postgres/identity.ts";
import { formatInstant } from "../../store/postgres/instant.ts";
import type { CommandIo } from "../commands.ts";
import type { DatabaseClient } from "../databases.ts";
import { createTableWriter, jsonLine } from "../table.ts";
import { timeText } from "../times.ts";

export interface ListTask {
  readonly query: AuditQuery;
  /** Of the database, for JSON. */
  readonly placement: string;
  readonly isJson: boolean;
}

/** In memory at once, whatever the limit. */
const PAGE_LINES = 500;

/** Prints lines as they are read. Resolves to the number of the last one if there are more; null: there are not. */
export async function listLog(
  client: DatabaseClient,
  { query, placement, isJson }: ListTask,
  io: Pick<CommandIo, "out" | "columns" | "drained">,
): Promise<bigint | null> {
  const table = createTableWriter(HEADS, io.columns ?? Number.POSITIVE_INFINITY);
  const print = (lines: readonly ListedLine[]) =>
    io.out(isJson ? lines.map((line) => jsonLine(toJson(placement, line))).join("") : table.lines(lines.map(cellsOf)));
  let { before } = query;
  for (let left = query.limit; ; ) {
    // One more tells whether there are more.
    const asked = Math.min(left, PAGE_LINES);
    const found = await listAudit(connectionOf(client), { ...query, before, limit: asked + 1 });
    const lines = found.slice(0, asked);
    if (lines.length === 0 && left === query.limit && !isJson) io.out("No lines.\n");
    else print(lines);
    await io.drained?.();
    before = lines.at(-1)?.sequence ?? before;
    left -= lines.length;
    if (found.length <= asked) return null;
    if (left === 0) return before;
  }
}

const HEADS = ["NUMBER", "TIME", "WHO", "DID", "TO", "OF TENANT", "WHY"];

function cellsOf(line: ListedLine): readonly string[] {
  const { sequence, time, actor, tenant, reason } = line;
  return [String(sequence), timeOf(time), actor, deedOf(line), subjectOf(line), tenant ?? "-", reason || "-"];
}

/** With what became of the record: what an operator said is in that. */
function deedOf({ action, subjectKind, detail }: ListedLine): string {
  const { state } = JSON.parse(detail) as { readonly state?: unknown };
  return subjectKind === "record" && typeof state === "string" ? `${action} -> ${state}` : action;
}

/** A forged line may hold any time. */
function timeOf(time: Instant): string {
  return isWritable(time) ? timeText(time / 1000) : String(time);
}

function isWritable(time: Instant): boolean {
  return Math.abs(time) <= 8.64e18;
}

function subjectOf(line: ListedLine): string {
  const { subjectKind, subject, recordScope, recordKey, isRedacted } = line;
  if (subjectKind !== "record") return `${subjectKind} ${subject}`;
  const purged = purgedOf(line);
  if (purged !== null) return purged;
  if (recordScope === null) return "all records";
  if (isRedacted) return `record ${recordScope} (key erased)`;
  return recordKey === null ? `records of ${recordScope}` : `record ${recordScope} ${recordKey}`;
}

/** Of a purge: how many records it deleted, and from where. Null: it was none, or the line does not say. */
function purgedOf({ action, detail, recordScope }: ListedLine): string | null {
  const { purged, target } = JSON.parse(detail) as { readonly purged?: unknown; readonly target?: unknown };
  if (action !== "purge" || typeof purged !== "number") return null;
  const of = recordScope === null ? "" : ` of ${recordScope}`;
  if (target === "record" && purged === 1) return `one record${of} (key erased)`;
  return `${purged} ${purged === 1 ? "record" : "records"}${of}`;
}

function toJson(placement: string, line: ListedLine): unknown {
  const { sequence, time, actor, action, subjectKind, subject, tenant, reason, detail } = line;
  return {
    placement,
    sequence: String(sequence),
    time: isWritable(time) ? formatInstant(time) : String(time),
    ...{ actor, action, subjectKind, subject, tenant, reason },
    ...(line.subjectKind === "record" && {
      record: { scope: line.recordScope, key: line.recordKey, keyErased: line.isRedacted },
    }),
    detail: JSON.parse(detail) as unknown,
  };
}
