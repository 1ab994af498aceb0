import type { Instant } from "../../domain/instant.ts";
import { emptied } from "../../domain/record.ts";
import type { ListedRecord, ListPosition, RecordPage, RecordQuery } from "../operator-store.ts";
import type { Connection } from "./connection.ts";
import { formatInstant } from "./instant.ts";
import { keyRange } from "./key-range.ts";
import { decodeStuck } from "./open-round.ts";
import { decodeRecord, encodeSeenState, type RecordRow } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const listOpen = loadStatement("list-open");
const listEnded = loadStatement("list-ended");

/** Records looked at in one statement, however few of them match: others wait for it. */
const WINDOW_MIN = 1_000;
/** Outcomes of one page; the first one always fits. */
const OUTCOME_BYTES_MAX = 2 * 1024 * 1024;
/** A thousand years: Postgres knows no instant that lies much further back. */
const AGE_MS_MAX = 1_000 * 365 * 86_400_000;

const PARTS = ["stuck", "open", "ended"] as const satisfies ListPosition["part"][];

/** The same in every row of one statement. */
interface Summary {
  readonly seen_at: Instant;
  readonly looked: bigint;
  readonly matched: bigint;
  /** Only where the order is by it. */
  readonly last_create_time?: Instant | null;
  readonly last_scope: string | null;
  readonly last_key: string | null;
}

interface ListedRow extends Summary, RecordRow {
  readonly place: bigint;
  readonly expired: boolean;
  readonly stuck: number | null;
}

/** A single row without a record says that none matched. */
type PageRow = ListedRow | (Summary & { readonly place: null });

/** Reads part after part, each in a statement of its own, until the page is full or one had more to look at. */
export async function listRecords(connection: Connection, query: RecordQuery, time: ServerTime): Promise<RecordPage> {
  const records: ListedRecord[] = [];
  let outcomeBytes = OUTCOME_BYTES_MAX;
  let position = query.after ?? startOf("stuck");
  // One instant decides about the whole page.
  let asOf = time.asOf();
  for (;;) {
    const limit = query.limit - records.length;
    // Of twice as many some match, as a rule: what is looked at for a page that is full already would be in vain.
    const window = Math.max(WINDOW_MIN, 2 * limit);
    const asked = { query, position, asOf, outcomeBytes, limit, window };
    const rows = await (position.part === "ended" ? readEnded(connection, asked) : readOpen(connection, asked));
    const [summary] = rows;
    if (summary === undefined) throw new Error("bug: no row from a list");
    const now = summary.seen_at;
    asOf = formatInstant(now);
    const listed = rows.filter(isListed).map(decodeListed);
    records.push(...listed);
    const next = nextOf(asked, summary, listed);
    outcomeBytes -= listed.reduce((sum, { record }) => sum + (record.outcome?.length ?? 0), 0);
    const isPartOver = next !== null && next.part !== position.part;
    if (!isPartOver || records.length >= query.limit || outcomeBytes <= 0) return { records, next, now };
    position = next;
  }
}

interface Asked {
  readonly query: RecordQuery;
  readonly position: ListPosition;
  readonly asOf: string | null;
  /** What is left of a page's. */
  readonly outcomeBytes: number;
  readonly limit: number;
  /** How many records to look at. */
  readonly window: number;
}

function readOpen(
  connection: Connection,
  { query, position, asOf, outcomeBytes, limit, window }: Asked,
): Promise<readonly PageRow[]> {
  const { createTime, scope, key } = position;
  return connection.query<PageRow>(listOpen, [
    query.tenant,
    position.part === "stuck",
    formatInstant(createTime),
    scope,
    key,
    query.scope,
    query.keyPrefix,
    stateCodes(query),
    ageOf(query.olderThanMs),
    ageOf(query.newerThanMs),
    query.withOutcomes,
    limit,
    outcomeBytes,
    window,
    asOf,
  ]);
}

function readEnded(
  connection: Connection,
  { query, position, asOf, outcomeBytes, limit, window }: Asked,
): Promise<readonly PageRow[]> {
  const { scope, keyPrefix } = query;
  const isStart = position.scope === "";
  const { from, last } = keyRange({ scope, keyPrefix, after: isStart ? null : position });
  return connection.query<PageRow>(listEnded, [
    query.tenant,
    from.scope,
    from.key,
    last.scope,
    last.key,
    keyPrefix,
    stateCodes(query),
    ageOf(query.olderThanMs),
    ageOf(query.newerThanMs),
    query.withOutcomes,
    limit,
    outcomeBytes,
    window,
    asOf,
  ]);
}

/** Behind the last record listed where the page was cut, behind the last one looked at otherwise; or the next part. */
function nextOf(
  { position: { part }, window, query: { stuckOnly } }: Asked,
  { looked, matched, last_create_time: createTime, last_scope: scope, last_key: key }: Summary,
  listed: readonly ListedRecord[],
): ListPosition | null {
  const last = listed.at(-1)?.record;
  if (last !== undefined && listed.length < Number(matched)) {
    return { part, createTime: last.createTime, scope: last.key.scope, key: last.key.key };
  }
  if (Number(looked) === window && scope !== null && key !== null) {
    return { part, createTime: createTime ?? Number.NEGATIVE_INFINITY, scope, key };
  }
  const following = stuckOnly ? undefined : PARTS[PARTS.indexOf(part) + 1];
  return following === undefined ? null : startOf(following);
}

function startOf(part: ListPosition["part"]): ListPosition {
  return { part, createTime: Number.NEGATIVE_INFINITY, scope: "", key: "" };
}

function isListed(row: PageRow): row is ListedRow {
  return row.place !== null;
}

/** The statement says what is expired: where outcomes are not read, a completed record would pass for it. */
function decodeListed(row: ListedRow): ListedRecord {
  const record = decodeRecord(row);
  return { record: row.expired ? emptied(record) : record, stuck: row.stuck === null ? null : decodeStuck(row.stuck) };
}

function stateCodes({ states }: RecordQuery): readonly number[] | null {
  return states?.map(encodeSeenState) ?? null;
}

function ageOf(ms: number | null): number | null {
  return ms === null ? null : Math.min(ms, AGE_MS_MAX);
}
