import type { Instant } from "../../domain/instant.ts";
import { compareKeys, type RecordKey } from "../../domain/key.ts";
import type { Swept } from "../store.ts";
import { keyColumns } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { formatInstant } from "./instant.ts";
import { createOpenRound, type OpenRow } from "./open-round.ts";
import type { ServerTime } from "./server-time.ts";
import { type Exhausted, runSettles } from "./settle.ts";
import { loadStatement } from "./statement.ts";

const forget = loadStatement("forget");
const empty = loadStatement("empty");
const lapsed = loadStatement("lapsed");
const abandon = loadStatement("abandon");

/** Open records looked at in a pass: most of them are neither abandoned nor exhausted. */
const WINDOW_FACTOR = 10;

/** Where a window of open records ended: a position in the index over them. */
interface Position {
  readonly key: RecordKey;
  readonly createTime: Instant;
}

const START: Position = { key: { tenant: "", scope: "", key: "" }, createTime: Number.NEGATIVE_INFINITY };

interface LapsedRow extends OpenRow {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
  readonly fence: bigint;
  readonly create_time: Instant;
}

interface Pass {
  readonly connection: Connection;
  readonly limit: number;
  readonly upTo: string | null;
}

/** `upTo` as in `Store.sweep`. */
export type Sweep = (connection: Connection, limit: number, upTo?: Instant) => Promise<Swept>;

/**
 * Housekeeping, one pass a call. Ended records are found by an index. Of the open ones each pass looks at one window,
 * where the pass before left off, so a pass costs the same however many there are; the last one of a round tells what
 * the round has counted.
 */
export function createSweep(time: ServerTime): Sweep {
  let position = START;
  const round = createOpenRound();

  const sweepEnded = async ({ connection, limit, upTo }: Pass, statement: typeof forget) => {
    const [row] = await connection.query<{ readonly rows: bigint }>(statement, [limit, time.asOf(), upTo]);
    return Number(row?.rows ?? 0n);
  };

  const readWindow = async ({ connection }: Pass, size: number) => {
    const { key, createTime } = position;
    return connection.query<LapsedRow>(lapsed, [
      key.tenant,
      formatInstant(createTime),
      key.scope,
      key.key,
      size,
      time.asOf(),
    ]);
  };

  const abandonAll = async ({ connection, upTo }: Pass, records: readonly Exhausted[]) => {
    if (records.length === 0) return 0;
    const [row] = await connection.query<{ readonly rows: bigint }>(abandon, [
      ...keyColumns(records),
      records.map(({ fence }) => fence),
      time.asOf(),
      upTo,
    ]);
    return Number(row?.rows ?? 0n);
  };

  const sweepOpen = async (pass: Pass) => {
    const { limit } = pass;
    const size = limit * WINDOW_FACTOR;
    const rows = await readWindow(pass, size);
    const abandoned = rows.filter((row) => row.abandoned).map(identify);
    const exhausted = rows.filter((row) => row.exhausted).map(identify);
    // What is left over by the limit is still there for the next pass, which therefore starts where this one did.
    const isDone = abandoned.length <= limit && exhausted.length <= limit;
    if (isDone) {
      position = after(rows, size);
      round.add(rows);
    }
    return {
      round: isDone && position === START ? round.finish() : null,
      abandoned: await abandonAll(pass, sorted(abandoned.slice(0, limit))),
      settled: await settleAll(pass, sorted(exhausted.slice(0, limit))),
    };
  };

  /** By the clock as it is: nothing is erased, and the next claim would do the same. */
  const settleAll = async ({ connection }: Pass, records: readonly Exhausted[]) =>
    (await runSettles(connection, records, time)).filter((settled) => settled !== null).length;

  return async (connection, limit, upTo) => {
    const pass: Pass = { connection, limit, upTo: upTo === undefined ? null : formatInstant(upTo) };
    return {
      forgotten: await sweepEnded(pass, forget),
      emptied: await sweepEnded(pass, empty),
      ...(await sweepOpen(pass)),
    };
  };
}

/** The last window starts over. */
function after(rows: readonly LapsedRow[], size: number): Position {
  const last = rows.at(-1);
  if (last === undefined || rows.length < size) return START;
  return { key: identify(last).key, createTime: last.create_time };
}

function identify({ tenant, scope, key, fence }: LapsedRow): Exhausted {
  return { key: { tenant, scope, key }, fence };
}

/** By the bytes of the key, the order in which every statement takes its locks. */
function sorted(records: readonly Exhausted[]): readonly Exhausted[] {
  return records.toSorted((a, b) => compareKeys(a.key, b.key));
}
