import { setTimeout as pause } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Rpc } from "../../../src/client/runtime.ts";
import { claimOf, LONG, openCallers, resultIn } from "../calls.ts";
import { until } from "../crowd.ts";
import type { Field, Row } from "../row.ts";
import { shimOf } from "../shim/of-stand.ts";
import { type Acknowledged, findLost, startWitnesses } from "../witness/acknowledged.ts";
import { startFlood } from "../witness/flood.ts";

const FULL_MS = { short: 3_000, full: 30_000 };
const WITNESSES = 6;
const KNOWN = 60;
const REPLAYERS = 6;
const CLAIMERS = 24;
const REST_MS = 5;
const AGAIN_MS_MAX = 5_000;

/**
 * There is no room for any file of the data directory to grow; what is there is written over as ever, and the log has a
 * volume of its own. New records find no room soon, while results that were stored before can be read all along.
 */
export const fullDataVolume: Row = {
  id: "F15a",
  fault: "the volume of Postgres's data is full",
  stand: { shim: true },
  times: { short: 1, full: 10 },
  unjudged: ["V5"],
  async inject(field) {
    const { stand, recorder, times, isFull, scope, figure, say } = field;
    const shim = shimOf(stand);
    using callers = openCallers(recorder, "f15a");
    const rpcs = stand.servers.map((server) => callers.open(server));
    const own = `${scope}-own`;
    const witnesses = startWitnesses({ rpcs, scope: own, callers: WITNESSES });
    const replays = { told: 0, otherwise: 0, failed: 0 };
    const failures = new Map<string, number>();
    const againMs: number[] = [];
    for (let round = 1; round <= times; round++) {
      await witnesses.more(KNOWN);
      const known = witnesses.acknowledged.slice(-KNOWN);
      await recorder.during({ mark: "trouble" }, async () => {
        const refused = shim.done.writesRefused;
        shim.fill("data");
        const flood = startFlood({
          ...{ callers: CLAIMERS, rpcOf: (i) => rpcs[i % rpcs.length] as Rpc },
          keyOf: (caller, turn) => ({ scope: `${scope}-new`, key: `${round}-${caller}-${turn}` }),
          restMs: { always: REST_MS, refused: 10 * REST_MS },
        });
        await until(async () => shim.done.writesRefused > refused, "a write is refused");
        const untilMs = performance.now() + (isFull ? FULL_MS.full : FULL_MS.short);
        const replaying = Array.from({ length: REPLAYERS }, (_, i) =>
          replay(rpcs[i % rpcs.length] as Rpc, own, known, untilMs, replays),
        );
        await Promise.all(replaying);
        await flood.stop();
        for (const [code, count] of flood.answers.failed) failures.set(code, (failures.get(code) ?? 0) + count);
        shim.fill(null);
        againMs.push(await untilNew(field, rpcs, round));
      });
      say(`full ${round} of ${times} times: ${failures.get("Unavailable") ?? 0} claims were told to come again`);
    }
    await witnesses.stop();
    const lost = await findLost(rpcs[0] as Rpc, own, witnesses.acknowledged);
    const otherwise = [...failures].reduce((sum, [code, count]) => sum + (code === "Unavailable" ? 0 : count), 0);
    const share = (100 * replays.told) / (replays.told + replays.otherwise + replays.failed);
    figure({ name: "writes refused", value: shim.done.writesRefused, unit: "", must: { atLeast: times } });
    figure({
      ...{ name: "new claims that were told UNAVAILABLE", unit: "calls", must: { atLeast: times } },
      value: failures.get("Unavailable") ?? 0,
    });
    figure({ name: "new claims that failed otherwise", value: otherwise, unit: "calls", must: { atMost: 0 } });
    figure({
      name: "replays asked for",
      value: replays.told + replays.failed,
      unit: "calls",
      must: { atLeast: REPLAYERS * times },
    });
    figure({ name: "replays served", value: share, unit: "%", must: { atLeast: 100 } });
    figure({
      ...{ name: "new claims served again after", unit: "ms", must: { atMost: AGAIN_MS_MAX } },
      value: Math.max(...againMs),
    });
    figure({ name: "acknowledged ends", value: witnesses.acknowledged.length, unit: "" });
    figure({ name: "acknowledged ends lost", value: lost.length, unit: "", must: { atMost: 0 } });
  },
};

async function replay(
  rpc: Rpc,
  scope: string,
  known: readonly Acknowledged[],
  untilMs: number,
  replays: { told: number; otherwise: number; failed: number },
): Promise<void> {
  for (let i = 0; performance.now() < untilMs; i = (i + 1) % known.length) {
    const { key, text } = known[i] as Acknowledged;
    try {
      if (resultIn(await rpc.claim(claimOf({ scope, key }), LONG)) === text) replays.told++;
      else replays.otherwise++;
    } catch {
      replays.failed++;
    }
    await pause(REST_MS);
  }
}

/** How long it is until every server has served a claim of a record that is new. */
async function untilNew({ scope }: Field, rpcs: readonly Rpc[], round: number): Promise<number> {
  const fromMs = performance.now();
  const again = rpcs.map(async (rpc, i) => {
    for (let tries = 0; ; tries++) {
      const key = { scope: `${scope}-again`, key: `${round}-${i}-${tries}` };
      const error = await rpc.claim(claimOf(key), LONG).then(
        () => null,
        (thrown) => ConnectError.from(thrown),
      );
      if (error === null) return;
      if (error.code !== Code.Unavailable) throw error;
      await pause(REST_MS);
    }
  });
  await Promise.all(again);
  return performance.now() - fromMs;
}
