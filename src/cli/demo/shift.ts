import type { Clock } from "../../clock.ts";
import { createFeed, type Feed, type FeedDeps } from "./feed.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import type { Report, WorkerSetting } from "./messages.ts";
import { forkWorker } from "./processes.ts";
import type { Moment } from "./report.ts";

export interface ShiftDeps extends Omit<FeedDeps, "send" | "killWorker"> {
  readonly workers: number;
  readonly setting: Omit<WorkerSetting, "name">;
  readonly clock: Clock;
  readonly show: (moment: Moment) => void;
  readonly onFailure: (error: unknown) => void;
}

export interface Shift extends AsyncDisposable {
  /** Resolves when every delivery is acknowledged, to the milliseconds that it took. */
  finish(signal: AbortSignal): Promise<number>;
}

const SHOW_EVERY_MS = 100;

/** Far longer than any lease, reconciliation or restart takes: what is silent for so long hangs. */
const SILENCE_MS_MAX = 120_000;

/** The worker processes, and the feed that keeps them at work. */
export function startShift(deps: ShiftDeps): Shift {
  const feed: Feed = createFeed({
    ...deps,
    // An order that does not arrive was for a worker that has just died, and whose deliveries will go to others.
    send: (worker, order) => void workers.process(worker)?.send(order, () => {}),
    killWorker: (worker) => workers.kill(worker),
  });
  const workers: Fleet = startFleet({
    name: "worker",
    size: deps.workers,
    start(index) {
      const child = forkWorker({ ...deps.setting, name: `worker-${index + 1}` });
      // The last words of a process that is known to be dead are not heard: its deliveries wait again already.
      return child.on("message", (report: Report) => {
        if (workers.process(index) === child) feed.report(index, report);
      });
    },
    onKilled: (index) => feed.workerKilled(index),
    onFailure: deps.onFailure,
  });
  feed.finished.catch(deps.onFailure);
  return {
    async finish(signal) {
      const { clock } = deps;
      const from = clock.monotonicMs();
      let lastChange = from;
      for (let done = -1; done < deps.deliveries.length; ) {
        const moment = feed.moment();
        deps.show(moment);
        const now = clock.monotonicMs();
        if (moment.acknowledged > done) lastChange = now;
        if (now - lastChange > SILENCE_MS_MAX) throw new Error(`nothing was acknowledged for ${SILENCE_MS_MAX} ms`);
        done = moment.acknowledged;
        await Promise.race([feed.finished, clock.sleep(SHOW_EVERY_MS, signal)]);
      }
      return clock.monotonicMs() - from;
    },
    [Symbol.asyncDispose]: () => workers[Symbol.asyncDispose](),
  };
}
