import type { RecordableHistogram } from "node:perf_hooks";
import { createAim } from "./aim.ts";
import { type ChaosPlan, createTrigger } from "./chaos.ts";
import { comesAgain, type Delivery } from "./delivery-log.ts";
import { createFeeder } from "./feeder.ts";
import type { Order, Outcome, Report } from "./messages.ts";
import type { Random } from "./random.ts";
import type { Reconcile } from "./reconciler.ts";
import type { Moment, Tally } from "./report.ts";

export interface FeedDeps {
  readonly deliveries: readonly Delivery[];
  readonly plan: ChaosPlan;
  readonly random: Random;
  /** Deliveries that a worker has at a time, at most. */
  readonly window: number;
  /** Counted into. */
  readonly tally: Tally;
  /** Recorded into, in microseconds. */
  readonly claims: RecordableHistogram;
  readonly wakes: RecordableHistogram;
  readonly reconcile: Reconcile;
  readonly send: (worker: number, order: Order) => void;
  readonly killWorker: (worker: number) => void;
  readonly killServer: () => void;
  readonly note: (text: string) => void;
}

/** Keeps the workers busy, and now and then kills one, until the provider has had an answer to every delivery. */
export interface Feed {
  readonly finished: Promise<void>;
  report(worker: number, report: Report): void;
  workerKilled(worker: number): void;
  moment(): Moment;
}

export function createFeed(deps: FeedDeps): Feed {
  const { deliveries, plan, random, window, tally, claims, wakes } = deps;
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  const feeder = createFeeder(deliveries);
  const aim = createAim({ aimed: plan.aimed, comesAgain: comesAgain(deliveries) });
  const workerShot = createTrigger(plan.workers);
  const serverShot = createTrigger(plan.servers);
  const ready = new Set<number>();
  const reconciling = new Set<string>();
  let charged = 0;

  /** To whoever has least, so that two copies that came together are worked on together, by two processes. */
  const deliver = () => {
    for (;;) {
      const delivery = feeder.upcoming();
      if (delivery === null) return;
      const fit = [...ready].filter((worker) => !aim.spares(worker, delivery));
      const worker = fit.sort((a, b) => feeder.load(a) - feeder.load(b))[0];
      if (worker === undefined || feeder.load(worker) >= window) return;
      feeder.next(worker);
      deps.send(worker, aim.orderFor(worker, delivery));
    }
  };

  const kill = (worker: number, where: string) => {
    deps.note(`worker ${worker + 1}: killed ${where}`);
    ready.delete(worker);
    deps.killWorker(worker);
  };

  const shoot = () => {
    const target = aim.ripe();
    if (target === null) return;
    aim.over(target.line, true);
    kill(target.worker, `${STAGE_TEXT[target.stage]}${target.isAwaited ? ", while another worker waits" : ""}`);
  };

  const killWhoIsDue = () => {
    if (serverShot.isDue(feeder.done)) {
      serverShot.goOff();
      deps.killServer();
    }
    // Who is dying already is not ready: without anybody else, the shot waits for the next acknowledgement.
    if (!workerShot.isDue(feeder.done) || ready.size === 0) return;
    workerShot.goOff();
    const busy = [...ready].filter((worker) => feeder.load(worker) > 0);
    const from = busy.length > 0 ? busy : [...ready];
    const victim = from[random.below(from.length)];
    if (victim !== undefined) kill(victim, `with ${feeder.load(victim)} deliveries in hand`);
  };

  const reconcile = async (id: string) => {
    reconciling.add(id);
    if (await deps.reconcile(id)) tally.reconciled++;
    reconciling.delete(id);
    feeder.unpark(id);
    deliver();
  };

  const settle = (worker: number, line: number, outcome: Outcome) => {
    if (outcome === "not-handled") return feeder.giveBack(worker, line);
    if (outcome === "unknown") {
      const { id } = feeder.park(worker, line);
      if (!reconciling.has(id)) reconcile(id).catch(reject);
      return;
    }
    if (outcome === "charged") charged++;
    if (outcome === "replayed") tally.replays++;
    if (outcome === "mismatch") tally.mismatches++;
    feeder.acknowledge(worker, line);
    killWhoIsDue();
    if (feeder.isDone) resolve();
  };

  return {
    finished,
    report(worker, report) {
      switch (report.kind) {
        case "ready":
          ready.add(worker);
          return deliver();
        case "claim":
          return claims.record(toMicros(report.ms));
        case "wake":
          return wakes.record(toMicros(report.ms));
        case "promotion":
          return void tally.promotions++;
        case "takeover":
          return void tally.takeovers++;
        case "stopped":
          // Unless it was killed on the way to where it stands.
          if (ready.has(worker)) aim.stopped(report.line);
          return shoot();
        case "claiming":
          if (ready.has(worker)) aim.claiming(report.line);
          return shoot();
        case "handled":
          aim.over(report.line, false);
          settle(worker, report.line, report.outcome);
          return deliver();
      }
    },
    workerKilled(worker) {
      tally.workersKilled++;
      ready.delete(worker);
      for (const { line } of feeder.giveBackAll(worker)) aim.over(line, false);
      deliver();
    },
    moment: () => ({
      acknowledged: feeder.done,
      deliveries: deliveries.length,
      charged,
      reconciling: reconciling.size,
      tally,
    }),
  };
}

/** A histogram counts whole numbers from 1. */
function toMicros(ms: number): number {
  return Math.max(1, Math.round(ms * 1_000));
}

const STAGE_TEXT = {
  claimed: "after its claim, before the charge",
  charged: "after the charge, before the completion",
} as const;
