import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { Log } from "../telemetry/log.ts";
import type { Listening } from "./grpc.ts";
import type { Readiness } from "./readiness.ts";

export interface Drain {
  /** Why nothing is acquired any more; null before. What is held may still end, what has ended is replayed. */
  admission(): Fault | null;
  /**
   * Not ready, but serving → after the delay: acquires nothing, takes no new connections, ends open streams and waits →
   * resolves when the calls in flight have ended, or have been cut off after the grace. True when none was.
   */
  run(servers: readonly Listening[]): Promise<boolean>;
}

export interface DrainDeps {
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly log: Log;
  readonly delayMs: number;
  readonly graceMs: number;
  /** Called when open streams and waiting calls are to end; the calls in flight are waited for only after that. */
  readonly endWaits: () => void;
}

export function createDrain({ readiness, clock, log, delayMs, graceMs, endWaits }: DrainDeps): Drain {
  let draining = false;
  return {
    admission: () => (draining ? new Fault("DRAINING", "this server is shutting down; another one answers") : null),

    async run(servers) {
      readiness.set("accepting", false);
      log.info({ delayMs }, "drain: reporting not ready");
      if (delayMs > 0) await clock.sleep(delayMs);
      draining = true;
      readiness.stop();
      endWaits();
      log.info({ graceMs }, "drain: finishing the calls in flight");
      const closed = Promise.all(servers.map((server) => server.close()));
      if (await endsWithin(closed, graceMs, clock)) return true;
      log.warn({}, "drain: cutting off the calls that are left");
      for (const server of servers) server.destroy();
      await closed;
      return false;
    },
  };
}

async function endsWithin(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const ended = new AbortController();
  const late = clock.sleep(ms, ended.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    ended.abort();
  }
}
