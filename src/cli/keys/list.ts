import type { AdminClient } from "../../client/admin.ts";
import { toHoldfastError } from "../../client/wire-error.ts";
import { wallClockMs } from "../../clock.ts";
import { DEFAULT_TENANT } from "../../domain/tenant.ts";
import { RECORD_STATES } from "../../rpc/wire/enums.ts";
import { type RecordSummaryJson, recordSummaryToJson } from "../../rpc/wire/record-json.ts";
import { toDuration } from "../../rpc/wire/time.ts";
import { EXIT } from "../exit-codes.ts";
import { readFlag, readFlags } from "../own-flags.ts";
import { createTableWriter, jsonLine, printable } from "../table.ts";
import * as flag from "./flags.ts";
import type { Order } from "./order.ts";
import { type Columns, headsOf, rowOf } from "./rows.ts";
import { tenantMeant, tenantText } from "./tenant.ts";
import type { ListedState, State } from "./view.ts";

type ListRequest = Parameters<AdminClient["listRecords"]>[0];
type RecordSummary = RecordSummaryJson;

/** What a server gives at a time. */
const PAGE_SIZE_MAX = 1000;

/** Page by page, so that a list of any length needs no memory. */
export async function list(order: Order): Promise<number> {
  const { flags, io } = order;
  const most = flags.has(flag.ALL.name)
    ? Number.POSITIVE_INFINITY
    : (readFlag(flags, flag.LIMIT) ?? flag.LIMIT_DEFAULT);
  const write = writerOf(order);
  const progress: Progress = { shown: 0, left: most, hasMore: false };
  const lookedAt: string[] = [];
  let code: number = EXIT.done;
  for await (const tenantId of tenantsOf(order)) {
    if (progress.left === 0) progress.hasMore = true;
    if (progress.hasMore) break;
    lookedAt.push(tenantId);
    try {
      await listTenant(order, tenantId, progress, write);
    } catch (error) {
      code = toleratedCode(order, tenantId, error);
    }
  }
  const { shown, hasMore } = progress;
  if (shown === 0 && code === EXIT.done) io.error(`${await nothingText(order, lookedAt)}\n`);
  if (hasMore) io.error(`These are the first ${most}; there may be more: --limit N or --all.\n`);
  else if (flags.has(flag.ALL_TENANTS.name) && lookedAt.length === 1) {
    io.error(`Only ${tenantText(lookedAt[0] ?? null)} was looked at: this credential may see no other.\n`);
  }
  return code;
}

/** Named in a sentence; there may be thousands. */
const NAMED_MAX = 5;

/** That there is nothing says something of those tenants only that were looked at, so they are named. */
async function nothingText(order: Order, lookedAt: readonly string[]): Promise<string> {
  const { flags, name } = order;
  const isStuck = flags.has(flag.STUCK.name);
  if (lookedAt.length === 0) return "There is no tenant that this credential may see.";
  if (lookedAt.length === 1) {
    const tenant = tenantText(lookedAt[0] || (await tenantMeant(order, name.tenant)));
    return isStuck ? `No record of ${tenant} is stuck.` : `There is no such record of ${tenant}.`;
  }
  const rest = lookedAt.length - NAMED_MAX;
  const names = lookedAt.slice(0, NAMED_MAX).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
  return isStuck
    ? `No record is stuck in any of ${lookedAt.length} tenants: ${names}.`
    : `There is no such record in any of ${lookedAt.length} tenants: ${names}.`;
}

interface Progress {
  shown: number;
  /** How many more are wanted. */
  left: number;
  /** There may be more than were wanted. */
  hasMore: boolean;
}

async function listTenant(
  order: Order,
  tenantId: string,
  progress: Progress,
  write: (records: readonly RecordSummary[]) => void,
): Promise<void> {
  for await (const page of pagesOf(order, tenantId, () => progress.left)) {
    write(page.records);
    progress.shown += page.records.length;
    progress.left -= page.records.length;
    if (progress.left === 0) progress.hasMore = page.hasMore;
    await order.io.drained?.();
    order.signal.throwIfAborted();
  }
}

/** One tenant whose database is away keeps nobody from seeing the others. A server that is away is not called again. */
function toleratedCode({ flags, io, explain, signal }: Order, tenantId: string, error: unknown): number {
  const isTolerable = flags.has(flag.ALL_TENANTS.name) && !signal.aborted && toHoldfastError(error).reason !== "";
  if (!isTolerable) throw error;
  const { sentence, code } = explain(error);
  io.error(`holdfast: tenant ${tenantId}: ${printable(sentence)}\n`);
  return code;
}

/** The one that was named, or all, page by page. */
async function* tenantsOf({ admin, flags, name }: Order): AsyncGenerator<string> {
  if (!flags.has(flag.ALL_TENANTS.name)) {
    yield name.tenant;
    return;
  }
  let pageToken = "";
  do {
    const page = await admin.listTenants({ pageSize: PAGE_SIZE_MAX, pageToken });
    for (const { registration } of page.tenants) if (registration !== undefined) yield registration.tenantId;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

interface Page {
  readonly records: readonly RecordSummary[];
  readonly hasMore: boolean;
}

async function* pagesOf(order: Order, tenantId: string, left: () => number): AsyncGenerator<Page> {
  const request = requestOf(order, tenantId);
  const isAskedFor = stateFilter(order);
  let pageToken = "";
  do {
    // Of what is left out here nobody knows how much it will be.
    const pageSize = isAskedFor === null ? Math.min(left(), PAGE_SIZE_MAX) : PAGE_SIZE_MAX;
    const { records: found, nextPageToken } = await order.admin.listRecords({ ...request, pageSize, pageToken });
    pageToken = nextPageToken;
    const asked = found.map(recordSummaryToJson).filter((record) => isAskedFor?.(record) ?? true);
    const records = asked.slice(0, left());
    yield { records, hasMore: pageToken !== "" || records.length < asked.length };
  } while (pageToken !== "" && left() > 0);
}

/**
 * To a server a record that a reconciler holds is in progress, here it has a word of its own. Null: what the server gives is
 * what was asked for.
 */
function stateFilter({ flags }: Order): ((record: RecordSummary) => boolean) | null {
  const states = readFlags(flags, flag.STATE);
  if (!states.includes("reconciling") || states.includes("in-progress")) return null;
  return ({ state, reconciling }) => reconciling || state !== "RECORD_STATE_IN_PROGRESS";
}

function storedState(word: ListedState): State {
  return word === "reconciling" ? "in-progress" : word;
}

function requestOf({ flags, name }: Order, tenantId: string): ListRequest {
  const olderMs = readFlag(flags, flag.OLDER_THAN);
  const newerMs = readFlag(flags, flag.NEWER_THAN);
  return {
    tenantId,
    scope: name.scope,
    keyPrefix: readFlag(flags, flag.PREFIX) ?? "",
    states: [...new Set(readFlags(flags, flag.STATE).map(storedState))].map((state) => RECORD_STATES[state]),
    stuckOnly: flags.has(flag.STUCK.name),
    owner: readFlag(flags, flag.OWNER) ?? "",
    ...(olderMs !== undefined && { olderThan: toDuration(olderMs) }),
    ...(newerMs !== undefined && { newerThan: toDuration(newerMs) }),
    includeOutcomes: flags.has(flag.RESULTS.name),
  };
}

function writerOf({ flags, output, io, name }: Order): (records: readonly RecordSummary[]) => void {
  if (output === "json") return (records) => io.out(records.map(jsonLine).join(""));
  const isOfAll = flags.has(flag.ALL_TENANTS.name);
  let write: ((records: readonly RecordSummary[]) => void) | null = null;
  return (records) => {
    if (records.length === 0) return;
    // Where nobody has named a tenant, it goes without saying only of the one that is there without being made.
    const isUnsaid = name.tenant === "" && records[0]?.key.tenant !== DEFAULT_TENANT;
    write ??= tableOf({ tenants: isOfAll || isUnsaid, results: flags.has(flag.RESULTS.name) }, io);
    write(records);
  };
}

/** On a terminal a long key must not push away what tells why one looks. */
const KEY_WIDTH_MAX = 40;

function tableOf(shown: Omit<Columns, "keyWidthMax">, io: Order["io"]): (records: readonly RecordSummary[]) => void {
  const width = io.columns ?? Number.POSITIVE_INFINITY;
  const columns = { ...shown, keyWidthMax: io.columns === undefined ? width : KEY_WIDTH_MAX };
  const table = createTableWriter(headsOf(columns), width);
  return (records) => {
    const nowMs = wallClockMs();
    io.out(table.lines(records.map((record) => rowOf(record, columns, nowMs))));
  };
}
