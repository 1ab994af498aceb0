import type { Instant } from "../../../domain/instant.ts";
import type { OpenRecords } from "../../operator-store.ts";
import type { Connection } from "../connection.ts";
import { formatInstant } from "../instant.ts";
import { createOpenRound, type OpenRow } from "../open-round.ts";
import { loadStatement } from "../statement.ts";

/** The sweeper's own: what it counts and what is counted here is the same. */
const LAPSED = loadStatement("lapsed");

const WINDOW = 5_000;
/** Some two seconds' work. */
const LOOKED_AT_MAX = 100_000;

export interface CountedRecords extends OpenRecords {
  /** There are more open records than were looked at. */
  readonly isCutShort: boolean;
}

/** Counts open records from the first on, and why they are stuck. */
export async function countOpenRecords(connection: Connection): Promise<CountedRecords> {
  const round = createOpenRound();
  let last: Position = { tenant: "", scope: "", key: "", create_time: Number.NEGATIVE_INFINITY };
  for (let looked = 0; looked < LOOKED_AT_MAX; looked += WINDOW) {
    const { tenant, create_time, scope, key } = last;
    const from = [tenant, formatInstant(create_time), scope, key];
    const rows = await connection.query<Position & OpenRow>(LAPSED, [...from, WINDOW, null]);
    round.add(rows);
    last = rows.at(-1) ?? last;
    if (rows.length < WINDOW) return { ...round.finish(), isCutShort: false };
  }
  return { ...round.finish(), isCutShort: true };
}

interface Position {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
  readonly create_time: Instant;
}
