import { setTimeout as pause } from "node:timers/promises";
import { openCallers } from "../calls.ts";
import { until } from "../crowd.ts";
import type { Row } from "../row.ts";
import { shimOf } from "../shim/of-stand.ts";
import type { StandDatabase } from "../stand/stand.ts";
import { findLost, startWitnesses } from "../witness/acknowledged.ts";

const FULL_MS = { short: 1_000, full: 5_000 };
const WITNESSES = 12;
const ENDS_BETWEEN = 40;
const LOOK_MS = 20;
/** Many times what a recovery takes here. */
const STUCK_MS = 4_000;

/**
 * There is no room for another file of the write-ahead log. As soon as Postgres needs one it ends all sessions (PANIC),
 * starts again, and perhaps ends for good; whoever frees the volume starts it anew.
 */
export const fullLogVolume: Row = {
  id: "F15b",
  fault: "the volume of Postgres's log is full: it panics",
  stand: { shim: true },
  times: { short: 1, full: 20 },
  unjudged: ["V5"],
  async inject({ stand, load, recorder, times, isFull, scope, figure, say }) {
    const { primary, servers } = stand;
    const shim = shimOf(stand);
    using callers = openCallers(recorder, "f15b");
    const rpcs = servers.map((server) => callers.open(server));
    const [rpc] = rpcs;
    if (rpc === undefined) throw new Error("bug: a stand without servers");
    const own = `${scope}-own`;
    const witnesses = startWitnesses({ rpcs, scope: own, callers: WITNESSES });
    const backMs: number[] = [];
    const outcomes = { answers: 0, ended: 0, stuck: 0 };
    let panics = 0;
    for (let round = 1; round <= times; round++) {
      await witnesses.more(ENDS_BETWEEN);
      await recorder.during({ mark: "database-crash" }, async () => {
        await primary.letEnd(async () => {
          const before = await epochOf(primary);
          const refused = shim.done.writesRefused;
          shim.fill("wal");
          await until(async () => {
            await primary.sql("select pg_switch_wal()").catch(() => undefined);
            return shim.done.writesRefused > refused;
          }, "the log needs another file");
          await pause(isFull ? FULL_MS.full : FULL_MS.short);
          shim.fill(null);
          const outcome = await outcomeOf(primary);
          if (outcome === "stuck") await primary.stop("kill");
          if (outcome !== "answers") await primary.start();
          outcomes[outcome]++;
          if ((await epochOf(primary)) !== before) panics++;
        });
        const freedMs = performance.now();
        const answers = servers.map(({ name }) => load.firstSuccessAfter(freedMs, name));
        backMs.push(Math.max(...(await Promise.all(answers))) - freedMs);
        say(`log full ${round} of ${times} times, ${outcomes.answers} of which Postgres was back by itself`);
      });
    }
    await witnesses.stop();
    const lost = await findLost(rpc, own, witnesses.acknowledged);
    figure({ name: "panics", value: panics, unit: "", must: { atLeast: times } });
    figure({ name: "of which Postgres was back by itself", value: outcomes.answers, unit: "" });
    figure({ name: "ended", value: outcomes.ended, unit: "" });
    figure({ name: "and neither", value: outcomes.stuck, unit: "" });
    figure({ name: "acknowledged ends", value: witnesses.acknowledged.length, unit: "" });
    figure({ name: "acknowledged ends lost", value: lost.length, unit: "", must: { atMost: 0 } });
    figure({ name: "all servers answer after Postgres does", value: Math.max(...backMs), unit: "ms" });
  },
};

/** Another one whenever Postgres has begun anew, be it without the postmaster's noticing. Waits until it answers. */
async function epochOf(database: StandDatabase): Promise<string> {
  let epoch = "";
  await until(async () => {
    const [row] = await database
      .sql("select concat(pg_postmaster_start_time(), ' ', pg_stat_get_bgwriter_stat_reset_time()) as epoch")
      .catch(() => []);
    epoch = String(row?.["epoch"] ?? "");
    return epoch !== "";
  }, "Postgres answers");
  return epoch;
}

/**
 * It begins anew, or ends when it finds that it cannot. Or neither: a postmaster of version 18 that is told of the start of
 * the recovery and of its failure at the same time goes on without it, and has to be started anew by others.
 */
async function outcomeOf(database: StandDatabase): Promise<"answers" | "ended" | "stuck"> {
  for (const untilMs = performance.now() + STUCK_MS; performance.now() < untilMs; await pause(LOOK_MS)) {
    if (!database.isRunning) return "ended";
    const answers = await database.sql("select 1").then(
      () => true,
      () => false,
    );
    if (answers) return "answers";
  }
  return "stuck";
}
