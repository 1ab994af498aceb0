import {
  type AuditLine,
  CHAIN_START,
  type ChainBreak,
  type ChainPosition,
  createChainCheck,
} from "../../../domain/audit.ts";
import type { Connection } from "../connection.ts";
import { loadStatement } from "../statement.ts";

const READ_END = loadStatement("audit/read-end");
const READ_START = loadStatement("audit/read-start");
const READ_LINES = loadStatement("audit/read-lines");

/** Bounds the memory: a line with a large declaration of a tenant is some 100 kB. */
const PAGE_LINES = 500;

export interface Verification {
  /** Null: the log is whole. */
  readonly broken: ChainBreak | null;
  /** That were checked and found good. */
  readonly lines: number;
  /** The last good line: what an operator keeps elsewhere. */
  readonly head: ChainPosition;
}

export interface VerifyOptions {
  /** A head of this log that was kept elsewhere; null: none was. */
  readonly expected: ChainPosition | null;
  /** Only so many lines, the newest; null: all of them. */
  readonly newest: number | null;
}

/**
 * Reads the audit log from its first line to the last one that there is when this begins, and checks every hash. Takes no
 * snapshot that lasts: lines are committed in the order of their numbers, so those up to the last are there already.
 */
export async function verifyAudit(connection: Connection, { expected, newest }: VerifyOptions): Promise<Verification> {
  const [end] = await connection.query<EndRow>(READ_END, []);
  if (end === undefined) throw new Error("the row of holdfast.audit_head is gone");
  const start = newest === null ? undefined : (await connection.query<ChainPosition>(READ_START, [newest]))[0];
  const from = start ?? CHAIN_START;
  const check = createChainCheck(from, { sequence: end.line, hash: end.hash }, expected);
  let lines = 0;
  for (let page = await read(connection, from.sequence, end.last); page.length > 0; ) {
    for (const line of page) {
      const broken = check.next(line);
      if (broken !== null) return { broken, lines, head: check.position() };
      lines++;
    }
    page = await read(connection, check.position().sequence, end.last);
  }
  return { broken: check.end(), lines, head: check.position() };
}

async function read(connection: Connection, after: bigint, upTo: bigint): Promise<readonly AuditLine[]> {
  const rows = await connection.query<LineRow>(READ_LINES, [after, PAGE_LINES]);
  return rows.filter(({ sequence }) => sequence <= upTo).map(toLine);
}

interface EndRow {
  readonly line: bigint;
  readonly hash: Uint8Array;
  readonly last: bigint;
}

interface LineRow {
  readonly sequence: bigint;
  readonly time_micros: string;
  readonly actor: string;
  readonly action: string;
  readonly subject_kind: string;
  readonly subject: string;
  readonly tenant: string | null;
  readonly reason: string;
  readonly detail: string;
  readonly record_scope: string | null;
  readonly record_key: string | null;
  readonly salt: Uint8Array | null;
  readonly key_commitment: Uint8Array | null;
  readonly hash: Uint8Array;
}

function toLine(row: LineRow): AuditLine {
  const { sequence, actor, action, subject, tenant, reason, detail, salt, hash } = row;
  return {
    ...{ sequence, actor, action, subject, tenant, reason, detail, salt, hash },
    timeMicros: row.time_micros,
    subjectKind: row.subject_kind,
    recordScope: row.record_scope,
    recordKey: row.record_key,
    keyCommitment: row.key_commitment,
  };
}
