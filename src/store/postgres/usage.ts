import type { Instant } from "../../domain/instant.ts";
import type { UsageSource } from "../usage.ts";
import type { Connection } from "./connection.ts";
import { failureOf, internal, unavailable } from "./errors.ts";
import { formatInstant } from "./instant.ts";
import { loadStatement } from "./statement.ts";

const PAGE = loadStatement("usage-page");
const KEEP = loadStatement("usage-keep");
const LATEST = loadStatement("usage-latest");

/** One page is some 20 ms of the database's time: no batch waits for long behind it, however many records there are. */
const PAGE_RECORDS = 10_000;

interface PageRow {
  readonly seen_at: Instant;
  readonly live_records: bigint;
  readonly stored_bytes: bigint;
  readonly leases: bigint;
  readonly records: bigint;
  readonly last_scope: string;
  readonly last_key: string;
}

export interface UsageSourceDeps {
  /** Lends a connection. */
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  readonly pageRecords?: number;
}

export function createUsageSource({ run, pageRecords = PAGE_RECORDS }: UsageSourceDeps): UsageSource {
  const query = <Row>(statement: typeof PAGE, values: readonly unknown[]) =>
    run((connection) => connection.query<Row>(statement, values)).catch(rethrow);

  return {
    async latest(tenant) {
      type Row = Pick<PageRow, "live_records" | "stored_bytes" | "leases"> & { readonly age_ms: number };
      const [row] = await query<Row>(LATEST, [tenant]);
      if (row === undefined) return null;
      const { live_records, stored_bytes, leases, age_ms: ageMs } = row;
      const usage = { liveRecords: Number(live_records), storedBytes: Number(stored_bytes), leases: Number(leases) };
      return { usage, ageMs };
    },

    async measure(tenant, signal) {
      let [liveRecords, storedBytes, leases] = [0, 0, 0];
      let beganAt: string | null = null;
      for (let [scope, key, isLast] = ["", "", false]; !isLast; ) {
        signal.throwIfAborted();
        const [page] = await query<PageRow>(PAGE, [tenant, scope, key, pageRecords, null]);
        if (page === undefined) break;
        beganAt ??= formatInstant(page.seen_at);
        liveRecords += Number(page.live_records);
        storedBytes += Number(page.stored_bytes);
        leases += Number(page.leases);
        [scope, key, isLast] = [page.last_scope, page.last_key, Number(page.records) < pageRecords];
      }
      await query(KEEP, [tenant, liveRecords, storedBytes, leases, beganAt]);
      return { liveRecords, storedBytes, leases };
    },
  };
}

function rethrow(error: unknown): never {
  throw failureOf(error) === "bug" ? internal(error) : unavailable(error);
}
