import { systemClock } from "../src/clock.ts";
import type { ClaimCall } from "../src/domain/calls.ts";
import { compareKeys } from "../src/domain/key.ts";
import { runClaims } from "../src/store/postgres/claim.ts";
import { type Connection, openSession, withClient } from "../src/store/postgres/connection.ts";
import { createServerTime } from "../src/store/postgres/server-time.ts";
import { claimCall } from "./calls.ts";
import type { BenchPostgres } from "./database.ts";
import { interleave } from "./measure.ts";

const FILLED_ROWS = 100_000;

/** Microseconds per row of one claim statement, by rows in the statement. */
export async function benchStatement(postgres: BenchPostgres, rounds: number) {
  const figures: Record<string, Readonly<Record<string, readonly number[]>>> = {};
  for (const table of ["fresh", "analysed"] as const) {
    const url = await postgres.database(`statement_${table}`);
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
      await claimAll(session, calls, time);
      return ((performance.now() - started) * 1000) / calls.length;
    };
    if (table === "analysed") {
      for (let i = 0; i < FILLED_ROWS / 512; i++) await acquire(newCalls(512, 60_000));
      await withClient({ url }, (client) => client.query("analyze holdfast.record"));
    }
    const fresh = (rows: number) => () => acquire(newCalls(rows, 60_000));
    const takeover = (rows: number) => async () => {
      const lapsed = newCalls(rows, 1);
      await claimAll(session, lapsed, time);
      await systemClock.sleep(5);
      return acquire(lapsed.map(({ key: { key } }) => claimCall(key)));
    };
    figures[table] = await interleave(rounds, {
      fresh64: fresh(64),
      fresh512: fresh(512),
      takeover64: takeover(64),
      takeover512: takeover(512),
    });
    await session.close();
  }
  return figures;
}

async function claimAll(connection: Connection, calls: ClaimCall[], time: ReturnType<typeof createServerTime>) {
  const sorted = calls.toSorted((a, b) => compareKeys(a.key, b.key));
  for (const answer of await runClaims(connection, sorted, time)) {
    if (answer?.kind !== "acquired") throw new Error(`a claim was answered ${answer?.kind}`);
  }
}
