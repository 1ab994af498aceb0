import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Address } from "../config/kinds.ts";
import {
  WORKER_LOOK_MS,
  WORKER_LOOKS_MAX,
  WORKER_PAUSE_MS,
  WORKER_PAUSE_MS_MAX,
  WORKER_STARTS_MAX,
  WORKER_STEADY_MS,
} from "../limits.ts";
import { OperatorError } from "../operator-error.ts";
import { untilMute } from "./until-mute.ts";

/** One process that serves, from its start to its end. */
export interface WorkerProcess {
  readonly pid: number;
  /** Resolves once it serves; never, if it does not come to that. */
  readonly serving: Promise<Addresses>;
  readonly ended: Promise<WorkerEnd>;
  /** Asks it to drain and to end. Asked again, it does nothing more. */
  stop(): void;
  /** Ends it without its help. */
  kill(): void;
  /** Resolves when it has shown that it takes in what it is told; perhaps never. Not asked again before that. */
  showLife(): Promise<unknown>;
}

/** With the ports that were really taken. */
export interface Addresses {
  readonly grpcAddress: Address;
  readonly httpAddress: Address;
}

export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it did not serve, in its own words; null when it has said nothing. */
  readonly reason: string | null;
  /** What it has said of how it has stopped; null when it has said nothing. */
  readonly clean: boolean | null;
}

export interface Supervisor {
  /** Resolves once all workers serve. */
  readonly serving: Promise<Addresses>;
  /** Resolves when workers cannot be had; those that are left are to be stopped then. */
  readonly broken: Promise<Error>;
  /** Drains all of them, and starts no other. True when none had to cut off a call. */
  stop(): Promise<boolean>;
}

export interface SupervisorDeps {
  readonly count: number;
  readonly start: (number: number) => WorkerProcess;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  /** Called when another takes the place of one that has ended. */
  readonly onEnd: () => void;
}

/**
 * Keeps `count` workers going. The first one goes ahead: what is wrong with settings, ports, database or schema is told
 * once and as one process would tell it. A worker that ends unasked is replaced at once, and after a growing pause when its
 * predecessors were short-lived too.
 *
 *   start ──► serves ──► ends ──► another, at once
 *     │                   └─ soon after its start ──► pause ──► another
 *     ├──► refuses, and none has ever served ──► broken
 *     └──► ends, `WORKER_STARTS_MAX` times in a row
 *           ├─ and no worker serves, or the start is not over ──► broken
 *           └─ and others serve ──► pause ──► another
 *
 * While a worker serves, the server is better than none: what keeps others from it, a file that is being replaced say, may
 * be mended, and the log says so until then. One that gives no sign of life is killed, and has ended.
 */
export function createSupervisor({ count, start, clock, log, onEnd }: SupervisorDeps): Supervisor {
  const stopping = new AbortController();
  const running = new Set<WorkerProcess>();
  const { promise: broken, resolve: giveUp } = Promise.withResolvers<Error>();
  let addresses: Addresses | null = null;
  /** All have served once: the start is over. */
  let isComplete = false;
  let nowServing = 0;
  /** Of all of them, since one has begun to serve or the last one that served has ended. */
  let vainStarts = 0;

  /** Starts one and sees it to its end. */
  const run = async (number: number, onServing: () => void): Promise<Life> => {
    const beganMs = clock.monotonicMs();
    const worker = start(number);
    let served = false;
    const ended = new AbortController();
    running.add(worker);
    if (stopping.signal.aborted) worker.stop();
    void worker.serving.then((taken) => {
      served = true;
      addresses ??= taken;
      if (!isDeepStrictEqual(taken, addresses)) giveUp(new OperatorError(PORT_LOST));
      vainStarts = 0;
      nowServing++;
      log.info({ worker: number, pid: worker.pid }, "a worker serves");
      onServing();
      void untilMute(worker.showLife, { clock, signal: ended.signal }).then(
        () => {
          log.error(
            { worker: number, pid: worker.pid, muteMs: MUTE_MS },
            "a worker gives no sign of life: it is killed",
          );
          worker.kill();
        },
        () => undefined,
      );
    });
    const end = await worker.ended;
    ended.abort();
    running.delete(worker);
    if (served && --nowServing === 0) vainStarts = 0;
    return { ...end, pid: worker.pid, served, livedMs: clock.monotonicMs() - beganMs };
  };

  /** Keeps one place filled. Resolves when it is to stay empty; false when the last one there did not end well. */
  const keep = async (number: number, onServing: () => void): Promise<boolean> => {
    for (let shortLived = 0; ; ) {
      const life = await run(number, onServing);
      if (stopping.signal.aborted) return isClean(life);
      const why = life.served ? null : whyVain(life, number, ++vainStarts, addresses === null);
      const isDesperate = why !== null;
      if (isDesperate && (nowServing === 0 || !isComplete)) {
        giveUp(new OperatorError(why));
        return false;
      }
      shortLived = life.served && life.livedMs >= WORKER_STEADY_MS ? 0 : shortLived + 1;
      const pauseMs = isDesperate ? WORKER_PAUSE_MS_MAX : pauseAfter(shortLived);
      const { pid, code, signal, reason } = life;
      const told = { worker: number, pid, code, signal, ...(reason && { reason }), pauseMs };
      if (isDesperate) log.error(told, "workers end before they serve; those that serve go on, and it is tried again");
      else log.warn(told, "a worker has ended; another takes its place");
      onEnd();
      await clock.sleep(pauseMs, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return true;
    }
  };

  const places: Promise<boolean>[] = [];
  /** Resolves when a worker has served in this place. */
  const fill = (number: number) => new Promise<void>((resolve) => places.push(keep(number, resolve)));
  const fillAll = async (): Promise<Addresses> => {
    await fill(1);
    if (!stopping.signal.aborted) await Promise.all(Array.from({ length: count - 1 }, (_, i) => fill(i + 2)));
    isComplete = true;
    if (addresses === null) throw new Error("bug: a worker serves nowhere");
    return addresses;
  };

  return {
    serving: fillAll(),
    broken,
    async stop() {
      stopping.abort();
      for (const worker of running) worker.stop();
      return (await Promise.all(places)).every((clean) => clean);
    },
  };
}

const MUTE_MS = WORKER_LOOK_MS * WORKER_LOOKS_MAX;

/** Somebody else may have it by now, and callers would look for us there. */
const PORT_LOST =
  "all workers have ended at the same time, and with them the port that was taken because the address had port 0; " +
  "with a port of its own it would have been taken again";

interface Life extends WorkerEnd {
  readonly pid: number;
  readonly served: boolean;
  readonly livedMs: number;
}

/**
 * By its own word: a signal that meets a process in its last moments, when it has said so, still ends it as a signal does.
 * One that was asked to end before it could know that it would be asked is ended by the signal itself.
 */
function isClean({ clean, code, signal, served }: Life): boolean {
  return clean ?? (code === 0 || (signal === "SIGTERM" && !served));
}

/** Of lives in one place, one after the other. */
function pauseAfter(shortLived: number): number {
  return shortLived < 2 ? 0 : Math.min(WORKER_PAUSE_MS * 2 ** (shortLived - 2), WORKER_PAUSE_MS_MAX);
}

/** Why no other is to be started in the place of one that has not served; null: another may do better. */
function whyVain({ code, signal, reason }: Life, number: number, starts: number, isFirst: boolean): string | null {
  if (isFirst && reason !== null) return reason;
  if (starts < WORKER_STARTS_MAX) return null;
  const last = reason ?? `ended by ${signal ?? `itself, with exit code ${code}`}`;
  return `${starts} workers in a row have ended before they served; the last one, worker ${number}: ${last}`;
}
