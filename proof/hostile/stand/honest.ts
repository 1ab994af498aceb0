import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { environmentOf } from "../../../test/process/server.ts";
import type { Stand } from "./stand.ts";

export const HONEST_WAYS = ["gRPC", "Connect JSON", "Session"] as const;
export type HonestWay = (typeof HONEST_WAYS)[number];

export type HonestTally = Record<HonestWay, { calls: number; failures: string[]; latenciesMs: number[] }>;

/** What an honest client met since it was last asked. */
export interface HonestShare {
  readonly calls: number;
  readonly failed: number;
  /** The share of calls that succeeded, on each way; 1 without any. */
  readonly success: Readonly<Record<HonestWay, number>>;
  readonly p99Ms: number;
  /** The first few, by their words. */
  readonly failures: readonly string[];
}

export interface Honest extends AsyncDisposable {
  /** Counted from the last time it was asked. */
  ask(): Promise<HonestShare>;
}

/** Little enough that nobody waits for it, and time for a call or two on each way. */
const START_LOOK_MS = 200;

const PROCESS = fileURLToPath(new URL("honest-process.ts", import.meta.url));

/** Resolves when it has been served on each way. */
export async function startHonest({ server, honest }: Stand): Promise<Honest> {
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
  for (let tally = await ask(); HONEST_WAYS.some((way) => tally[way].calls === 0); tally = await ask()) {
    await sleep(START_LOOK_MS);
  }
  return {
    ask: async () => shareOf(await ask()),
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await exited;
    },
  };
}

function shareOf(tally: HonestTally): HonestShare {
  const all = HONEST_WAYS.map((way) => tally[way]);
  const calls = all.reduce((sum, own) => sum + own.calls, 0);
  const failures = all.flatMap((own) => own.failures);
  const latencies = all.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  const success = HONEST_WAYS.map((way) => {
    const { calls, failures } = tally[way];
    return [way, calls === 0 ? 1 : 1 - failures.length / calls] as const;
  });
  return {
    ...{ calls, failed: failures.length, failures: [...new Set(failures)].slice(0, 5) },
    success: Object.fromEntries(success) as HonestShare["success"],
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}
