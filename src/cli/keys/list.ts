import type { AdminClient } from "../../client/admin.ts";
import { toHoldfastError } from "../../client/wire-error.ts";
import { wallClockMs } from "../../clock.ts";
import { RECORD_STATES } from "../../rpc/wire/enums.ts";
import { recordSummaryToJson } from "../../rpc/wire/record-json.ts";
import { toDuration } from "../../rpc/wire/time.ts";
import { EXIT } from "../exit-codes.ts";
import { readFlag, readFlags } from "../own-flags.ts";
import { createTableWriter, jsonLine, printable } from "../table.ts";
import * as flag from "./flags.ts";
import type { Order } from "./order.ts";
import { headsOf, rowOf } from "./rows.ts";

type ListRequest = Parameters<AdminClient["listRecords"]>[0];
type RecordSummary = Awaited<ReturnType<AdminClient["listRecords"]>>["records"][number];

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
  let code: number = EXIT.done;
  for await (const tenantId of tenantsOf(order)) {
    if (progress.left === 0) progress.hasMore = true;
    if (progress.hasMore) break;
    try {
      await listTenant(order, tenantId, progress, write);
    } catch (error) {
      code = toleratedCode(order, tenantId, error);
    }
  }
  const { shown, hasMore } = progress;
  if (shown === 0 && code === EXIT.done)
    io.error(`${flags.has(flag.STUCK.name) ? "No record is stuck" : "There is no such record"}.\n`);
  if (hasMore) io.error(`These are the first ${most}; there may be more: --limit N or --all.\n`);
  return code;
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
  let pageToken = "";
  do {
    const pageSize = Math.min(left(), PAGE_SIZE_MAX);
    const { records, nextPageToken } = await order.admin.listRecords({ ...request, pageSize, pageToken });
    pageToken = nextPageToken;
    yield { records, hasMore: pageToken !== "" };
  } while (pageToken !== "" && left() > 0);
}

function requestOf({ flags, name }: Order, tenantId: string): ListRequest {
  const olderMs = readFlag(flags, flag.OLDER_THAN);
  const newerMs = readFlag(flags, flag.NEWER_THAN);
  return {
    tenantId,
    scope: name.scope,
    keyPrefix: readFlag(flags, flag.PREFIX) ?? "",
    states: [...new Set(readFlags(flags, flag.STATE))].map((state) => RECORD_STATES[state]),
    stuckOnly: flags.has(flag.STUCK.name),
    owner: readFlag(flags, flag.OWNER) ?? "",
    ...(olderMs !== undefined && { olderThan: toDuration(olderMs) }),
    ...(newerMs !== undefined && { newerThan: toDuration(newerMs) }),
    includeOutcomes: flags.has(flag.RESULTS.name),
  };
}

function writerOf({ flags, output, io }: Order): (records: readonly RecordSummary[]) => void {
  if (output === "json") {
    return (records) => io.out(records.map((record) => jsonLine(recordSummaryToJson(record))).join(""));
  }
  const columns = { tenants: flags.has(flag.ALL_TENANTS.name), results: flags.has(flag.RESULTS.name) };
  const table = createTableWriter(headsOf(columns), io.columns ?? Number.POSITIVE_INFINITY);
  return (records) => {
    if (records.length === 0) return;
    const nowMs = wallClockMs();
    io.out(table.lines(records.map((record) => rowOf(recordSummaryToJson(record), columns, nowMs))));
  };
}
