import { setTimeout as pause } from "node:timers/promises";
import type { Load } from "../load.ts";

export type Ending = "succeeded" | "refused" | "failed" | "internal" | "left";

/** How calls went, for figures. The history has all of it, but is read only when everything is over. */
export interface Tally {
  readonly calls: number;
  readonly open: number;
  readonly internal: number;
  /** Ended without an answer; those that their caller has left are none of them. */
  readonly failed: number;
  /** Ends the call. One that waits by its own wish says nothing about how fast the service is. */
  begin(server: string, isWaiting: boolean): (ending: Ending) => void;
  readonly latencies: Load["latencies"];
  readonly firstSuccessAfter: Load["firstSuccessAfter"];
}

interface Ended {
  readonly server: string;
  readonly atMs: number;
  readonly ms: number;
  readonly isFailed: boolean;
}

interface Watcher {
  readonly server: string;
  readonly afterMs: number;
  resolve(atMs: number): void;
}

const SILENT_MS_MAX = 60_000;

export function createTally(): Tally {
  /** By the time at which they ended. */
  const ended: Ended[] = [];
  const watchers = new Set<Watcher>();
  let [calls, open, internal, failed] = [0, 0, 0, 0];

  const succeeded = (server: string, fromMs: number, atMs: number) => {
    for (const watcher of watchers) {
      if (watcher.server !== server || fromMs < watcher.afterMs) continue;
      watchers.delete(watcher);
      watcher.resolve(atMs);
    }
  };

  return {
    get calls() {
      return calls;
    },
    get open() {
      return open;
    },
    get internal() {
      return internal;
    },
    get failed() {
      return failed;
    },
    begin(server, isWaiting) {
      const fromMs = performance.now();
      open++;
      return (ending) => {
        const atMs = performance.now();
        open--;
        if (ending === "left") return;
        calls++;
        if (ending === "internal") internal++;
        if (ending === "succeeded") succeeded(server, fromMs, atMs);
        const isFailed = ending === "failed" || ending === "internal";
        if (isFailed) failed++;
        if (!isWaiting || isFailed) ended.push({ server, atMs, ms: atMs - fromMs, isFailed });
      };
    },
    latencies({ fromMs, toMs, server }) {
      const inWindow = between(ended, fromMs, toMs).filter((call) => server === undefined || call.server === server);
      const failed = inWindow.filter(({ isFailed }) => isFailed).length;
      const sorted = Float64Array.from(inWindow.filter(({ isFailed }) => !isFailed).map(({ ms }) => ms)).sort();
      const at = (share: number) =>
        sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
      return {
        ...{ calls: inWindow.length, answered: inWindow.length - failed, failed },
        ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
      };
    },
    async firstSuccessAfter(afterMs, server) {
      const { promise, resolve } = Promise.withResolvers<number>();
      const watcher: Watcher = { server, afterMs, resolve };
      watchers.add(watcher);
      const atMs = await Promise.race([promise, pause(SILENT_MS_MAX, null, { ref: false })]);
      watchers.delete(watcher);
      if (atMs === null) throw new Error(`${server} has answered nothing for ${SILENT_MS_MAX / 1000} s`);
      return atMs;
    },
  };
}

function between(ended: readonly Ended[], fromMs: number, toMs: number): readonly Ended[] {
  return ended.slice(firstFrom(ended, fromMs), firstFrom(ended, toMs));
}

function firstFrom(ended: readonly Ended[], ms: number): number {
  let [low, high] = [0, ended.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ended[middle]?.atMs ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
