import type { Instant } from "../../domain/instant.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import type { RegistryChange } from "../change-feed.ts";
import { loadStatement } from "./statement.ts";

const READ = loadStatement("read-changes");

/** More at once are not told one by one. */
export const CHANGES_MAX = 1_000;

/** Up to where the audit log was read. The instant tells this log from one that was restored and has gone on otherwise. */
export interface LogPosition {
  readonly sequence: bigint;
  readonly time: Instant | null;
}

export interface ReadChanges {
  readonly position: LogPosition;
  /** Null: there are too many, or the log is not the one that was read before. */
  readonly changes: readonly RegistryChange[] | null;
}

/** What came after the position; null: only where the log stands. */
export async function readChanges(connection: Connection, after: LogPosition | null): Promise<ReadChanges> {
  const rows = await connection.query<ChangeRow>(READ, [after?.sequence ?? null, CHANGES_MAX + 1]);
  const [first] = rows;
  if (first === undefined) throw new Error("bug: no row from read-changes");
  const { head, head_time, mark } = first;
  const position = { sequence: head, time: head_time };
  if (after === null) return { position, changes: null };
  const found = rows.filter(isChange);
  const isSameLog = head >= after.sequence && mark === after.time;
  if (!isSameLog || found.length > CHANGES_MAX) return { position: await whereItStands(connection), changes: null };
  return { position, changes: found.map(toChange) };
}

function isChange(row: ChangeRow): row is ChangeRow & { readonly sequence: bigint } {
  return row.sequence !== null;
}

async function whereItStands(connection: Connection): Promise<LogPosition> {
  return (await readChanges(connection, null)).position;
}

interface LogRow {
  readonly head: bigint;
  /** Null: a number without a change is one whose change was not made after all. */
  readonly head_time: Instant | null;
  readonly mark: Instant | null;
}

interface ChangeRow extends LogRow {
  /** Null, as all that follows, when there is no change. */
  readonly sequence: bigint | null;
  readonly subject_kind: RegistryChange["kind"];
  readonly subject: string;
  readonly action: string;
  readonly tenant: string | null;
  readonly is_eager: boolean;
  readonly changes_names: boolean;
}

/** What has a subject has a number. */
function toChange(row: ChangeRow & { readonly sequence: bigint }): RegistryChange {
  const { sequence, subject_kind: kind, subject, action, tenant, is_eager: isEager, changes_names: changesNames } = row;
  return { sequence, kind, subject, action, tenant, isEager, changesNames };
}
