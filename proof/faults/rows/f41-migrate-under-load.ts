import type { Field, Row } from "../row.ts";
import type { StandDatabase } from "../stand/stand.ts";
import { createSuccessor } from "../successor.ts";

/**
 * The schema is changed while everybody calls: by `migrate` of a build that has one more migration, by what a database's
 * keeper does, and back. No call may fail, whatever its patience; how much slower calls are meanwhile is told beside how
 * fast they were before.
 */
export const migrateUnderLoad: Row = {
  id: "F41",
  fault: "the schema is migrated, and indexes are built anew, under load",
  times: { short: null, full: 20 },
  async inject(field) {
    const { stand, load, baseline, times, figure, say } = field;
    await using successor = await createSuccessor();
    const fromMs = performance.now();
    for (let round = 1; round <= times; round++) {
      await successor.migrate(stand.primary);
      figure({ name: "migrations", value: round, unit: "", must: { atLeast: times } });
      await keep(stand.primary);
      await successor.undo(stand.primary);
      say(`F41: ${round} of ${times} migrated`);
    }
    const [usual, meanwhile] = [load.latencies(baseline), load.latencies({ fromMs, toMs: performance.now() })];
    figure({ name: "calls meanwhile", value: meanwhile.calls, unit: "calls", must: { atLeast: 100 } });
    figure({ name: "of them failed", value: meanwhile.failed, unit: "calls", must: { atMost: 0 } });
    figure({ name: "p99, of the usual one", value: meanwhile.p99Ms / usual.p99Ms, unit: "times" });
    figure({ name: "longest call", value: meanwhile.maxMs, unit: "ms" });
    figure({ name: "servers that are not ready", value: await unready(field), unit: "", must: { atMost: 0 } });
  },
};

/** What somebody does at psql. */
async function keep(database: StandDatabase): Promise<void> {
  await database.sql("create index concurrently record_next_thing on holdfast.record (next_thing)");
  await database.sql("reindex table concurrently holdfast.record");
  await database.sql("vacuum (analyze) holdfast.record");
  await database.sql("drop index concurrently holdfast.record_next_thing");
}

async function unready({ stand }: Field): Promise<number> {
  const ready = await Promise.all(stand.servers.map((server) => server.metric("holdfast_ready")));
  return ready.filter((value) => value !== 1).length;
}
