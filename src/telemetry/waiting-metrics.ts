import type { Clock } from "../clock.ts";
import type { Hub } from "../waiting/hub.ts";
import type { WaitingObserver, WakePath } from "../waiting/observer.ts";
import type { Log } from "./log.ts";
import { type Metrics, SECONDS } from "./metrics.ts";
import { createWarning } from "./warning.ts";

export interface WaitingMetricsDeps {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

const PATHS = ["local", "notified", "polled"] as const satisfies readonly WakePath[];

/** What wakes those who wait, and what does not. Every series stands at 0 from the start; none names a key or a tenant. */
export function createWaitingMetrics(deps: WaitingMetricsDeps): WaitingObserver {
  const { metrics } = deps;
  const wakeUps = metrics.histogram({
    name: "holdfast_wakeup_seconds",
    help: "From the end of a record, by the database, to its being read for those who wait, by what made the server look.",
    labelNames: ["path"],
    buckets: SECONDS,
  });
  for (const path of PATHS) wakeUps(path);
  const failures = metrics.counter(
    "holdfast_wait_failures_total",
    "What went wrong for those who wait and was tried again: reads and flags of records, mostly.",
  )();
  const warn = createWarning(deps, "something went wrong for those who wait; it is tried again");
  return {
    ...createPromotionMetrics(metrics),
    ...createNotificationMetrics(deps),
    woke: (path, ms) => wakeUps(path).observe(ms / 1000),
    failed(error) {
      failures.value++;
      warn({ error });
    },
  };
}

export interface WaitingGaugesDeps {
  readonly metrics: Metrics;
  /** Whose records are waited for. */
  readonly placement: string;
  readonly hub: Pick<Hub, "status">;
  readonly isListening: () => boolean;
}

/** Once for each placement. */
export function addWaitingGauges({ metrics, placement, hub, isListening }: WaitingGaugesDeps): void {
  const gauge = (name: string, help: string, read: () => number) => metrics.gauge(name, help, read, { placement });
  gauge("holdfast_waiting_calls", "Calls that wait, admitted and not yet answered.", () => hub.status().calls);
  gauge("holdfast_waiters", "What they wait for, one for each record of each call.", () => hub.status().waiters);
  gauge("holdfast_waited_keys", "Records that somebody waits for on this server.", () => hub.status().keys);
  gauge("holdfast_listener_up", "1 while notifications arrive; while they do not, waiters poll.", () => {
    return Number(isListening());
  });
}

function createPromotionMetrics(metrics: Metrics): Pick<WaitingObserver, "promoted" | "gaveBack"> {
  const promotions = metrics.counter("holdfast_promotions_total", "Waiting claims that have acquired.")();
  const givenBack = metrics.counter(
    "holdfast_promotions_given_back_total",
    "Those whose caller had gone: their lease was given back.",
  )();
  return {
    promoted() {
      promotions.value++;
    },
    gaveBack() {
      givenBack.value++;
    },
  };
}

type OfNotifications = "notificationsSent" | "notificationsDropped" | "notificationsReceived" | "probed";

function createNotificationMetrics(deps: WaitingMetricsDeps): Pick<WaitingObserver, OfNotifications> {
  const { metrics } = deps;
  const notifications = metrics.counter(
    "holdfast_notifications_total",
    "Records named in notifications, by what became of these; received ones include the server's own.",
    ["event"],
  );
  const sent = notifications("sent");
  const received = notifications("received");
  const dropped = notifications("dropped");
  const warn = createWarning(deps, "notifications for other servers were dropped; waiters there look for themselves");
  const probes = metrics.histogram({
    name: "holdfast_listener_probe_seconds",
    help: "A notification of the server's own, from sending it to its arrival.",
    buckets: SECONDS,
  })();
  return {
    notificationsSent(ids) {
      sent.value += ids;
    },
    notificationsReceived(ids) {
      received.value += ids;
    },
    notificationsDropped(ids, cause) {
      dropped.value += ids;
      warn({ error: cause });
    },
    probed: (ms) => probes.observe(ms / 1000),
  };
}
