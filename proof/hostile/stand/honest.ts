import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { environmentOf } from "../../../test/process/server.ts";
import { HONEST_WAYS, type HonestTally, type HonestWay, STALLED_MS } from "./counting.ts";
import type { Stand } from "./stand.ts";

/** What an honest client met since it was last asked. */
export interface HonestShare {
  readonly calls: number;
  readonly failed: number;
  /** Calls that succeeded, on each way. */
  readonly served: Readonly<Record<HonestWay, number>>;
  /** The share of them; 0 without any call. */
  readonly success: Readonly<Record<HonestWay, number>>;
  readonly p99Ms: number;
  /** The first few, by their words. */
  readonly failures: readonly string[];
}

export interface Honest extends AsyncDisposable {
  /**
   * Counted from the last time it was asked, until a call has succeeded on each way: what was short ends with the calls
   * that it held up, and they are part of it. A way on which nothing succeeds for long is not waited for.
   */
  ask(): Promise<HonestShare>;
}

/** Little enough that nobody waits for it, and time for a call or two on each way. */
const LOOK_MS = 200;
/** A server that has just started answers within a second, also on a machine that does much else. */
const START_MS_MAX = 60_000;

const PROCESS = fileURLToPath(new URL("honest-process.ts", import.meta.url));

/** Who is served, and as whom. */
type Served = Pick<Stand, "honest"> & { readonly server: Pick<Stand["server"], "grpc" | "http"> };

/** Resolves when it has been served on each way; throws when it is not in time. */
export async function startHonest({ server, honest }: Served, startMsMax = START_MS_MAX): Promise<Honest> {
  const env = environmentOf({ GRPC: server.grpc, HTTP: server.http, AUTHORIZATION: honest });
  const child = fork(PROCESS, [], { env, stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced" });
  const exited = once(child, "exit");
  const ask = async () => {
    const told = once(child, "message");
    child.send("tell");
    const [tally] = (await Promise.race([told, exited])) as [HonestTally];
    if (child.exitCode !== null) throw new Error("the honest client has ended");
    return tally;
  };
  const start = await gather(ask, startMsMax);
  const unserved = HONEST_WAYS.filter((way) => start[way].served === 0);
  if (unserved.length > 0) {
    child.disconnect();
    const said = unserved.flatMap((way) => start[way].failures.at(-1) ?? "no call has ended");
    throw new Error(
      `the honest client is not served over ${unserved.join(", ")} within ${startMsMax / 1000} s: ${said.join("; ")}`,
    );
  }
  return {
    ask: async () => shareOf(await gather(ask, 2 * STALLED_MS)),
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await exited;
    },
  };
}

/** Asks again until somebody was served on each way, and adds it all up. */
async function gather(ask: () => Promise<HonestTally>, msMax: number): Promise<HonestTally> {
  const sum = await ask();
  // Counted from its first word: how long a process takes to start says nothing of the server.
  const endMs = performance.now() + msMax;
  while (HONEST_WAYS.some((way) => sum[way].served === 0) && performance.now() < endMs) {
    await sleep(LOOK_MS);
    const more = await ask();
    for (const way of HONEST_WAYS) {
      sum[way].served += more[way].served;
      sum[way].failures.push(...more[way].failures);
      sum[way].latenciesMs.push(...more[way].latenciesMs);
    }
  }
  return sum;
}

export function shareOf(tally: HonestTally): HonestShare {
  const all = HONEST_WAYS.map((way) => tally[way]);
  const failures = all.flatMap((own) => own.failures);
  const latencies = all.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  const served = HONEST_WAYS.map((way) => [way, tally[way].served] as const);
  const success = served.map(([way, count]) => [way, count / Math.max(1, count + tally[way].failures.length)] as const);
  return {
    calls: served.reduce((sum, [, count]) => sum + count, failures.length),
    ...{ failed: failures.length, failures: [...new Set(failures)].slice(0, 5) },
    served: Object.fromEntries(served) as HonestShare["served"],
    success: Object.fromEntries(success) as HonestShare["success"],
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}
