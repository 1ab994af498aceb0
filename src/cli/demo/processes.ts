import { type ChildProcess, fork, spawn } from "node:child_process";
import { extname, join } from "node:path";
import type { WorkerSetting } from "./messages.ts";

/** .ts in a checkout, .js in the published package. */
const EXTENSION = extname(import.meta.filename);
const MAIN = join(import.meta.dirname, "..", "..", `main${EXTENSION}`);
const WORKER = join(import.meta.dirname, `worker${EXTENSION}`);

export interface ServerSetting {
  readonly databaseUrl: string;
  readonly grpcAddress: string;
  readonly httpAddress: string;
}

/** `holdfast serve`, as anybody would start it. */
export function spawnServer({ databaseUrl, grpcAddress, httpAddress }: ServerSetting): ChildProcess {
  const flags = { "database-url": databaseUrl, "grpc-address": grpcAddress, "http-address": httpAddress };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return spawn(process.execPath, [MAIN, "serve", ...args, "--migrate", "--log-level=warn"], {
    stdio: ["ignore", "pipe", "pipe"],
    ...outOfReach(),
  });
}

export function forkWorker(setting: WorkerSetting): ChildProcess {
  return fork(WORKER, [JSON.stringify(setting)], { stdio: ["ignore", "pipe", "pipe", "ipc"], ...outOfReach() });
}

/**
 * A group of its own: Ctrl-C reaches the demo alone, which then ends the others in its own way. And no HOLDFAST_*
 * variables: what the user has set for a server of his own is not for these.
 */
function outOfReach() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_")));
  return { detached: true, env };
}
