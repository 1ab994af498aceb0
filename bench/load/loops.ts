import { createHistogram } from "node:perf_hooks";
import { systemClock as clock } from "../../src/clock.ts";

/** What a load came to. */
export interface Measured {
  /** Of what one caller does again and again. */
  readonly count: number;
  readonly perSecond: number;
  readonly latency: Latency;
  /** Of the client's processor, for each. */
  readonly clientMicros: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Keeps latencies in buckets, three digits of each. */
export function createLatencies() {
  const histogram = createHistogram();
  return {
    record(ms: number) {
      histogram.record(Math.max(1, Math.round(ms * 1000)));
    },
    read: (): Latency => ({
      p50Ms: histogram.percentile(50) / 1000,
      p99Ms: histogram.percentile(99) / 1000,
      maxMs: histogram.max / 1000,
    }),
  };
}

/** Each caller does it again when it is done, for so long; what is under way then is waited for and counted. */
export async function closedLoop(callers: number, ms: number, once: () => Promise<unknown>): Promise<Measured> {
  const latencies = createLatencies();
  let count = 0;
  const { elapsedMs, micros } = await timed(async (beganMs) => {
    const caller = async () => {
      for (let nowMs = performance.now(); nowMs - beganMs < ms; ) {
        await once();
        const doneMs = performance.now();
        latencies.record(doneMs - nowMs);
        nowMs = doneMs;
        count++;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
  });
  return {
    count,
    perSecond: (count * 1000) / elapsedMs,
    latency: latencies.read(),
    clientMicros: micros / count,
  };
}

/** How finely an open loop is in time. */
const TICK_MS = 1;

/**
 * So many a second, whether or not those before have been answered. Latencies count from when each was due: a client
 * that lags behind does not make the server look good.
 */
export async function openLoop(perSecond: number, ms: number, once: () => Promise<unknown>): Promise<Measured> {
  const latencies = createLatencies();
  const answers: Promise<void>[] = [];
  const { elapsedMs, micros } = await timed(async (beganMs) => {
    for (let passedMs = 0; passedMs < ms; passedMs = performance.now() - beganMs) {
      const due = Math.floor((passedMs * perSecond) / 1000);
      while (answers.length < due) {
        const dueMs = beganMs + (answers.length * 1000) / perSecond;
        answers.push(once().then(() => latencies.record(performance.now() - dueMs)));
      }
      await clock.sleep(TICK_MS);
    }
    await Promise.all(answers);
  });
  const count = answers.length;
  return { count, perSecond: (count * 1000) / elapsedMs, latency: latencies.read(), clientMicros: micros / count };
}

async function timed(work: (beganMs: number) => Promise<void>) {
  const before = process.cpuUsage();
  const beganMs = performance.now();
  await work(beganMs);
  const { user, system } = process.cpuUsage(before);
  return { elapsedMs: performance.now() - beganMs, micros: user + system };
}
