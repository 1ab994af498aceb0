import { setTimeout as pause } from "node:timers/promises";
import { pick } from "../../history/load/random.ts";
import type { Row } from "../row.ts";

const APART_MS = { short: 400, full: 2_000 };
const MORE_MS = { short: 400, full: 3_000 };
/** Since it was ready. Bounded where nothing else runs on the machine. */
const SERVED_MS_MAX = 1_000;

/**
 * The others' latencies are told beside those before the first kill, and not bounded: where everything shares a few
 * cores, a server that starts takes its time from those that serve.
 */
export const killServers: Row = {
  id: "F01",
  fault: "kill -9 of a random server, again and again",
  times: { short: 3, full: 200 },
  async inject({ stand, load, recorder, random, times, isFull, baseline, figure, say }) {
    const backMs: number[] = [];
    const others: { readonly fromMs: number; readonly toMs: number; readonly not: string }[] = [];
    const [apart, more] = isFull ? [APART_MS.full, MORE_MS.full] : [APART_MS.short, MORE_MS.short];
    for (let kills = 1; kills <= times; kills++) {
      const server = pick(random, stand.servers);
      const fromMs = performance.now();
      await recorder.during({ mark: "server-down", server: server.address }, async () => {
        await server.kill();
        await pause(50 * random());
        await server.start();
        const readyMs = performance.now();
        backMs.push((await load.firstSuccessAfter(readyMs, server.name)) - readyMs);
      });
      others.push({ fromMs, toMs: performance.now(), not: server.name });
      figure({ name: "kills", value: kills, unit: "", must: { atLeast: times } });
      say(`${kills} of ${times} killed`);
      await pause(apart + more * random());
    }
    const usual = load.latencies(baseline);
    const meanwhile = others
      .flatMap(({ not, ...window }) =>
        stand.servers.filter(({ name }) => name !== not).map(({ name }) => load.latencies({ ...window, server: name })),
      )
      .filter(({ answered }) => answered > 0);
    const p99Ms = meanwhile.reduce((sum, each) => sum + each.p99Ms * each.calls, 0) / sumOf(meanwhile, "calls");
    figure({ name: "p99 on the others, of the usual one", value: p99Ms / usual.p99Ms, unit: "times" });
    figure({ name: "failed on the others", value: sumOf(meanwhile, "failed"), unit: "calls" });
    const slowest = { name: "its callers served again after", value: Math.max(...backMs), unit: "ms" };
    figure(isFull ? { ...slowest, must: { atMost: SERVED_MS_MAX } } : slowest);
  },
  control: { kind: "mutant", mutant: "M14", fails: /V[37]|porcupine/ },
};

function sumOf<Name extends string>(all: readonly Readonly<Record<Name, number>>[], name: Name): number {
  return all.reduce((sum, each) => sum + each[name], 0);
}
