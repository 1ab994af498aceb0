import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Collected, Collector } from "./collect.ts";

const LOOK_MS = 250;

/** What a process has of memory, by /proc; NaN where there is none. */
async function rssMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Looks all the time for how much it has at most. */
export function watchPeak(pid: number): { stop(): Promise<number> } {
  const over = new AbortController();
  let peak = 0;
  const looking = (async () => {
    while (!over.signal.aborted) {
      peak = Math.max(peak, await rssMiB(pid));
      await sleep(LOOK_MS, null, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return {
    async stop() {
      over.abort();
      await looking;
      return peak;
    },
  };
}

/** Between two collections. */
const PAUSE_MS = 2000;
/** Twice in a row less change than this is rest. */
const REST = 0.02;

/** What it has when it has got through its work: collected until it changes no more. */
export async function atRest(collector: Collector, msMax: number): Promise<Collected> {
  const endMs = performance.now() + msMax;
  let last = await collector.collect();
  for (let quiet = 0; quiet < 2 && performance.now() < endMs; ) {
    await sleep(PAUSE_MS);
    const next = await collector.collect();
    quiet = Math.abs(next.rssMiB / last.rssMiB - 1) < REST ? quiet + 1 : 0;
    last = next;
  }
  return last;
}

/** What it has as soon as it is no more than wanted, or the least of all that time. */
export async function backTo(collector: Collector, wantedMiB: number, msMax: number): Promise<Collected> {
  const endMs = performance.now() + msMax;
  let least = await collector.collect();
  while (least.rssMiB > wantedMiB && performance.now() < endMs) {
    await sleep(PAUSE_MS);
    const next = await collector.collect();
    if (next.rssMiB < least.rssMiB) least = next;
  }
  return least;
}
