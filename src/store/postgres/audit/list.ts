import type { Instant } from "../../../domain/instant.ts";
import type { Connection } from "../connection.ts";
import { loadStatement } from "../statement.ts";

const LIST = loadStatement("audit/list-lines");
const LIST_TENANT = loadStatement("audit/list-tenant-lines");

/** Which lines of the audit log. Null: whichever. */
export interface AuditQuery {
  readonly tenant: string | null;
  /** Null without a tenant. */
  readonly scope: string | null;
  /** Null without a scope. */
  readonly key: string | null;
  /** Those of a lower number. */
  readonly before: bigint | null;
  readonly limit: number;
}

/** As people read it. */
export interface ListedLine {
  readonly sequence: bigint;
  readonly time: Instant;
  readonly actor: string;
  readonly action: string;
  readonly subjectKind: string;
  readonly subject: string;
  readonly tenant: string | null;
  readonly reason: string;
  /** JSON: an object. */
  readonly detail: string;
  readonly recordScope: string | null;
  readonly recordKey: string | null;
  /** It had a key once. */
  readonly isRedacted: boolean;
}

/** Newest first. */
export async function listAudit(
  connection: Connection,
  { tenant, scope, key, before, limit }: AuditQuery,
): Promise<readonly ListedLine[]> {
  const rows =
    tenant === null
      ? await connection.query<ListedRow>(LIST, [before, limit])
      : await connection.query<ListedRow>(LIST_TENANT, [tenant, scope, key, before, limit]);
  return rows.map(({ time_micros, subject_kind, record_scope, record_key, redacted, ...line }) => ({
    ...line,
    time: Number(time_micros),
    subjectKind: subject_kind,
    recordScope: record_scope,
    recordKey: record_key,
    isRedacted: redacted,
  }));
}

interface ListedRow extends Omit<ListedLine, "time" | "subjectKind" | "recordScope" | "recordKey" | "isRedacted"> {
  /** Not as a timestamptz: these sessions have the role's own settings, of the style of dates too. */
  readonly time_micros: string;
  readonly subject_kind: string;
  readonly record_scope: string | null;
  readonly record_key: string | null;
  readonly redacted: boolean;
}
