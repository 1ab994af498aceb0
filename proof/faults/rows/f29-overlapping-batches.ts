import { setTimeout as sleep } from "node:timers/promises";
import { metricOf } from "../crowd.ts";
import type { Field, Row } from "../row.ts";
import { batchesAbove, makeWaves } from "../waves.ts";

const MAKERS = 8;
const WAVE = 256;
const KEYS = 1_000;
const PICKS_EACH = 12;
const ROUND_MS = 6_000;
const LARGE = 64;
const HELD_MS = 40;
const FREE_MS = 80;
/** Below what Postgres waits by itself, and far below the time after which the servers' statements give up a lock. */
const DEADLOCK_TIMEOUT = "50ms";

/**
 * Batches of up to 256 of the same thousand keys from eight callers over three servers, in every operation, with a sweeper
 * that never rests: fifteen connections that each lock many rows at a time. Whoever locked them in another order than the
 * others would be in a deadlock before long. What the servers send is held back again and again for a moment, so that
 * the statements of all of them reach the database at the same instant.
 *
 * Postgres looks for deadlocks after a second by itself; by then a statement of ours has given up its lock, and the
 * deadlock would pass for a mere wait.
 */
export const overlappingBatches: Row = {
  id: "F29",
  fault: "large batches that overlap, in every operation, of all servers",
  stand: { settings: { deadlock_timeout: DEADLOCK_TIMEOUT }, serverArgs: ["--sweep-interval", "100ms"] },
  // Whoever waits for long would wait for the processor here, and not for an end.
  load: { callers: 6, waitShare: 0 },
  unjudged: ["V5"],
  times: { short: 1, full: 100 },
  control: { kind: "mutant", mutant: "M1", fails: /deadlocks/ },
  async inject(field) {
    const { stand, figure, times, say } = field;
    const measure = async () => ({
      large: await batchesAbove(LARGE, stand.servers),
      deadlocks: await deadlocks(field),
      again: await metricOf(stand.servers, "holdfast_store_retries_total", { cause: "40P01" }),
      waited: await metricOf(stand.servers, "holdfast_store_retries_total", { cause: "55P03" }),
    });
    const before = await measure();
    const untilMs = performance.now() + times * ROUND_MS;
    const isOver = () => performance.now() > untilMs;
    const waves = { makers: MAKERS, size: WAVE, tenants: [""], keys: KEYS, picksEach: PICKS_EACH, cutShare: 0.01 };
    await Promise.all([makeWaves(field, "f29", { ...waves, isOver }), sendTogether(field, isOver)]);
    const after = await measure();
    say(`F29: ${after.large - before.large} large batches`);
    figure({
      name: `batches of more than ${LARGE} rows`,
      value: after.large - before.large,
      unit: "batches",
      must: { atLeast: 10 },
    });
    figure({
      name: "connections that call the database",
      value: (await stand.primary.backends()).length,
      unit: "",
      must: { atLeast: 15 },
    });
    figure({ name: "deadlocks", value: after.deadlocks - before.deadlocks, unit: "", must: { atMost: 0 } });
    figure({
      name: "batches sent again after a deadlock",
      value: after.again - before.again,
      unit: "batches",
      must: { atMost: 0 },
    });
    figure({
      name: "batches sent again after a wait for a lock",
      value: after.waited - before.waited,
      unit: "batches",
    });
  },
};

async function sendTogether({ stand: { servers } }: Field, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    for (const { database } of servers) database.hold("to-server");
    await sleep(HELD_MS);
    for (const { database } of servers) database.release();
    await sleep(FREE_MS);
  }
}

async function deadlocks({ stand }: Field): Promise<number> {
  const [row] = await stand.primary.sql("select coalesce(sum(deadlocks), 0)::int as count from pg_stat_database");
  return Number(row?.["count"]);
}
