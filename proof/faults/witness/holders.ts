import { setTimeout as sleep } from "node:timers/promises";
import type { Rpc } from "../../../src/client/runtime.ts";
import { millis } from "../../history/load/wire.ts";
import { claimOf, handleOf, type Key, LONG } from "../calls.ts";

/** Holders who extend their leases without pause. */
export interface Holders {
  /** How long each heartbeat took that was answered since this was asked last, in ms. */
  take(): readonly number[];
  /** How many heartbeats failed. Resolves once every call has ended. */
  stop(): Promise<number>;
}

const LEASE_MS = 60_000;

export async function startHolders(
  rpc: Rpc,
  keys: readonly Key[],
  { everyMs }: { readonly everyMs: number },
): Promise<Holders> {
  let taken: number[] = [];
  let failures = 0;
  let isStopped = false;
  const handles = await Promise.all(keys.map(async (key) => handleOf(await rpc.claim(claimOf(key), LONG))));
  const all = Promise.all(
    handles.map(async (handle) => {
      while (!isStopped) {
        const fromMs = performance.now();
        const beat = rpc.heartbeat({ handle, lease: millis(LEASE_MS) }, LONG);
        const isAnswered = await beat.then(
          () => true,
          () => false,
        );
        if (isAnswered) taken.push(performance.now() - fromMs);
        else failures++;
        await sleep(everyMs);
      }
    }),
  );
  return {
    take() {
      const some = taken;
      taken = [];
      return some;
    },
    async stop() {
      isStopped = true;
      await all;
      return failures;
    },
  };
}
