import { systemClock } from "../../src/clock.ts";
import type { ClaimCall } from "../../src/domain/calls.ts";
import { compareKeys } from "../../src/domain/key.ts";
import { type Connection, openSession, withClient } from "../../src/store/postgres/connection.ts";
import { createServerTime } from "../../src/store/postgres/server-time.ts";
import { claimCall } from "../calls.ts";
import { claimAll } from "../claim-all.ts";
import type { BenchContext } from "../context.ts";
import { figure, grouped } from "../figures.ts";
import { interleave, spread } from "../measure.ts";
import type { Figure, Section } from "../report.ts";

const FILLED_ROWS = 100_000;

const HOW = `
Time per row of one claim statement, with 64 rows and with 512: fresh claims and takeovers, on a fresh table and on one of
${grouped(FILLED_ROWS)} analysed rows, autovacuum off. Figures of three times as many rounds as other arms have.`;

/** What a row costs by rows in the statement. */
export async function benchStatement({ postgres, rounds }: BenchContext): Promise<Section> {
  const figures: Figure[] = [];
  for (const table of ["fresh", "analysed"] as const) {
    const url = await postgres.databaseWithoutAutovacuum(`statement_${table}`);
    const session = await openSession({ url, clock: systemClock });
    const time = createServerTime({ clock: systemClock, asOf: () => null });
    let keys = 0;
    const newCalls = (rows: number, leaseMs: number) =>
      // Random order, as real keys come.
      Array.from({ length: rows }, () =>
        claimCall(`${(Math.imul(keys, 0x9e3779b1) >>> 0).toString(36)}-${keys++}`, leaseMs),
      );
    const acquire = async (calls: ClaimCall[]) => {
      const started = performance.now();
      await acquireAll(session, calls, time);
      return ((performance.now() - started) * 1000) / calls.length;
    };
    if (table === "analysed") {
      for (let i = 0; i < FILLED_ROWS / 512; i++) await acquire(newCalls(512, 60_000));
      await withClient({ url }, (client) => client.query("analyze holdfast.record"));
    }
    const fresh = (rows: number) => () => acquire(newCalls(rows, 60_000));
    const takeover = (rows: number) => async () => {
      const lapsed = newCalls(rows, 1);
      await acquireAll(session, lapsed, time);
      await systemClock.sleep(5);
      return acquire(lapsed.map(({ key: { key } }) => claimCall(key)));
    };
    const micros = await interleave(rounds * 3, {
      fresh64: fresh(64),
      fresh512: fresh(512),
      takeover64: takeover(64),
      takeover512: takeover(512),
    });
    await session.close();
    figures.push(
      ...figuresOf(`fresh-${table}`, `fresh claims, ${table} table`, micros.fresh64, micros.fresh512),
      ...figuresOf(`takeover-${table}`, `takeovers, ${table} table`, micros.takeover64, micros.takeover512),
    );
  }
  return { id: "statement", title: "One claim statement, by its rows", how: HOW.trim(), figures };
}

function figuresOf(id: string, what: string, small: readonly number[], large: readonly number[]): readonly Figure[] {
  const ratio = spread(large).median / spread(small).median;
  return [
    figure(`${id}-64`, `${what}: 64 rows`, "µs/row", small),
    figure(`${id}-512`, `${what}: 512 rows`, "µs/row", large),
    figure(`${id}-512-to-64`, `${what}: 512 ÷ 64`, "×", [ratio], { atMost: 1.5 }),
  ];
}

async function acquireAll(connection: Connection, calls: ClaimCall[], time: ReturnType<typeof createServerTime>) {
  const sorted = calls.toSorted((a, b) => compareKeys(a.key, b.key));
  for (const answer of await claimAll(connection, sorted, time)) {
    if (answer?.kind !== "acquired") throw new Error(`a claim was answered ${answer?.kind}`);
  }
}
