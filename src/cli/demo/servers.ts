import type { Clock } from "../../clock.ts";
import { type FleetDeps, startFleet } from "./fleet.ts";
import { freePorts } from "./ports.ts";
import { spawnServer } from "./processes.ts";

export interface ServersDeps extends Pick<FleetDeps, "size" | "onKilled" | "onFailure"> {
  readonly databaseUrl: string;
  readonly clock: Clock;
}

export interface Servers extends AsyncDisposable {
  /** Where they serve gRPC; the same after a restart. */
  readonly addresses: readonly [string, ...string[]];
  kill(index: number): void;
  /** Resolves when every server says that it is ready. */
  ready(signal: AbortSignal): Promise<void>;
}

const POLL_MS = 50;

export async function startServers({ databaseUrl, clock, ...fleet }: ServersDeps): Promise<Servers> {
  const ports = await freePorts(2 * fleet.size);
  const [first, ...others] = ports.map((port) => `127.0.0.1:${port}`);
  if (first === undefined) throw new Error("bug: a fleet of no servers");
  const grpc = [first, ...others.slice(0, fleet.size - 1)] as const;
  const http = others.slice(fleet.size - 1);
  const processes = startFleet({
    ...fleet,
    name: "server",
    start: (index) => spawnServer({ databaseUrl, grpcAddress: grpc[index] ?? "", httpAddress: http[index] ?? "" }),
  });
  const isReady = async (address: string, signal: AbortSignal) => {
    // Refused while the server starts; one that never starts ends by itself, and that is reported elsewhere.
    const response = await fetch(`http://${address}/readyz`, { signal }).catch(() => null);
    await response?.body?.cancel();
    return response?.ok === true;
  };
  return {
    addresses: grpc,
    kill: (index) => processes.kill(index),
    async ready(signal) {
      for (const address of http) while (!(await isReady(address, signal))) await clock.sleep(POLL_MS, signal);
    },
    [Symbol.asyncDispose]: () => processes[Symbol.asyncDispose](),
  };
}
