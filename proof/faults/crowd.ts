import { setTimeout as sleep } from "node:timers/promises";
import type { Rpc } from "../../src/client/runtime.ts";
import type { Callers } from "./calls.ts";
import type { StandServer } from "./stand/stand.ts";

/** What one connection carries, below what a server takes on one. */
const CALLS_MAX = 900;
const LOOK_MS = 10;
const LOOKS_MAX = 6_000;

/** The clients of a crowd at one server: as many connections as so many calls need, all of them open. */
export interface Crowd {
  readonly server: StandServer;
  /** In turn. */
  next(): Rpc;
}

export async function openCrowds(
  callers: Callers,
  servers: readonly StandServer[],
  calls: number,
): Promise<readonly Crowd[]> {
  const each = Math.ceil(calls / servers.length / CALLS_MAX);
  return await Promise.all(
    servers.map(async (server): Promise<Crowd> => {
      const rpcs = Array.from({ length: each }, () => callers.open(server));
      for (const rpc of rpcs) await rpc.getRecord({ key: { scope: "crowd", key: server.name } }).catch(() => undefined);
      let turn = 0;
      return { server, next: () => rpcs[turn++ % rpcs.length] as Rpc };
    }),
  );
}

/** Looks again and again, for a minute at most. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    if (await holds()) return;
    await sleep(LOOK_MS);
  }
  throw new Error(`not so after a minute: ${what}`);
}

/** Of several servers, added up. */
export async function metricOf(
  servers: readonly StandServer[],
  name: string,
  labels?: Readonly<Record<string, string>>,
): Promise<number> {
  return (await metricsOf(servers, name, labels)).reduce((sum, value) => sum + value, 0);
}

/** Of each of several servers. */
export async function metricsOf(
  servers: readonly StandServer[],
  name: string,
  labels?: Readonly<Record<string, string>>,
): Promise<readonly number[]> {
  return await Promise.all(servers.map((server) => server.metric(name, labels)));
}

/** NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
