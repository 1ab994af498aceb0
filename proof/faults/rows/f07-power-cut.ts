import { setTimeout as pause } from "node:timers/promises";
import { openCallers } from "../calls.ts";
import type { Row } from "../row.ts";
import { shimOf } from "../shim/of-stand.ts";
import { findLost, startWitnesses } from "../witness/acknowledged.ts";

/** So long does each sync take: as on a disk, where there is always something that is written and not durable yet. */
const SYNC_MS = 15;
const APART_MS = { short: 300, full: 2_000 };
/** So that there is something to lose. */
const ENDS_BETWEEN = 30;
const WITNESSES = 12;

/**
 * Every process of Postgres is killed at once, and whatever it had not synced goes with it: in every other cut all of it,
 * in the rest each file keeps some of the first writes, as a disk does that was at it already.
 */
export const powerCut: Row = {
  id: "F07",
  fault: "loss of power under Postgres: what it had not synced is gone",
  stand: { shim: true },
  times: { short: 2, full: 20 },
  unjudged: ["V5"],
  async inject({ stand, load, recorder, random, times, isFull, scope, figure, say }) {
    const { primary, servers } = stand;
    const shim = shimOf(stand);
    using callers = openCallers(recorder, "f07");
    const rpcs = servers.map((server) => callers.open(server));
    const own = `${scope}-own`;
    const witnesses = startWitnesses({ rpcs, scope: own, callers: WITNESSES });
    const backMs: number[] = [];
    let writes = 0;
    for (let cuts = 1; cuts <= times; cuts++) {
      shim.delaySyncs(SYNC_MS);
      await witnesses.more(ENDS_BETWEEN);
      await pause((isFull ? APART_MS.full : APART_MS.short) * random());
      await recorder.during({ mark: "database-crash" }, async () => {
        await primary.stop("kill");
        shim.delaySyncs(0); // At its start Postgres syncs a thousand files.
        const kept = (count: number) => (cuts % 2 === 1 ? 0 : Math.floor(count * random()));
        const { reverted } = await shim.losePower(primary.data, kept);
        writes += reverted;
        await primary.start();
        const startedMs = performance.now();
        const answers = servers.map(({ name }) => load.firstSuccessAfter(startedMs, name));
        backMs.push(Math.max(...(await Promise.all(answers))) - startedMs);
        say(`power lost ${cuts} of ${times} times, with ${reverted} writes`);
      });
    }
    await witnesses.stop();
    const [rpc] = rpcs;
    if (rpc === undefined) throw new Error("bug: a stand without servers");
    const lost = await findLost(rpc, own, witnesses.acknowledged);
    figure({ name: "losses of power", value: times, unit: "" });
    figure({ name: "unsynced writes lost", value: writes, unit: "", must: { atLeast: times } });
    figure({ name: "acknowledged ends", value: witnesses.acknowledged.length, unit: "" });
    figure({ name: "acknowledged ends lost", value: lost.length, unit: "", must: { atMost: 0 } });
    figure({ name: "all servers answer after Postgres does", value: Math.max(...backMs), unit: "ms" });
  },
  control: { kind: "mutant", mutant: "M9", fails: /acknowledged ends lost|V[37]:|porcupine: VIOL/ },
};
