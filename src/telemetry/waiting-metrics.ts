import type { Clock } from "../clock.ts";
import type { Hub } from "../waiting/hub.ts";
import type { WaitingObserver, WakePath } from "../waiting/observer.ts";
import type { Log } from "./log.ts";
import { type CounterSpec, type GaugeSpec, type HistogramSpec, PLACEMENT, SECONDS } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";
import { createWarning } from "./warning.ts";

export interface WaitingMetricsDeps {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

const PATHS = ["local", "notified", "polled"] as const satisfies readonly WakePath[];

export const WAKE_UP = {
  kind: "histogram",
  name: "holdfast_wakeup_seconds",
  unit: "seconds",
  help: "From the end of a record, by the database, to its being read for those who wait, by what made the server look.",
  advice:
    "local and notified: milliseconds. polled: up to 1.2 s, and rare while `holdfast_listener_up` is 1. A database clock that is off by seconds shows here too.",
  labels: { path: PATHS },
  buckets: SECONDS,
} as const satisfies HistogramSpec;

export const WAIT_FAILURES = {
  kind: "counter",
  name: "holdfast_wait_failures_total",
  unit: "failures",
  help: "What went wrong for those who wait and was tried again: reads and flags of records, mostly.",
  advice: "Rises with an outage of the database, and stops after it. The log says what went wrong, once a second.",
  labels: {},
} as const satisfies CounterSpec;

export const PROMOTIONS = {
  kind: "counter",
  name: "holdfast_promotions_total",
  unit: "claims",
  help: "Waiting claims that have acquired.",
  advice: "With takeover as the reason of most acquires: workers die, and others that wait go on with the work.",
  labels: {},
} as const satisfies CounterSpec;

export const GIVEN_BACK = {
  kind: "counter",
  name: "holdfast_promotions_given_back_total",
  unit: "claims",
  help: "Those whose caller had gone: their lease was given back.",
  advice: "A few are callers that gave up. Many: callers time out sooner than they say, or lose their connections.",
  labels: {},
} as const satisfies CounterSpec;

export const NOTIFICATIONS = {
  kind: "counter",
  name: "holdfast_notifications_total",
  unit: "records",
  help: "Records named in notifications, by what became of these; received ones include the server's own.",
  advice: "dropped: could not be sent in time; waiters on other servers look for themselves, a second later.",
  labels: { event: ["sent", "received", "dropped"] },
} as const satisfies CounterSpec;

export const PROBE = {
  kind: "histogram",
  name: "holdfast_listener_probe_seconds",
  unit: "seconds",
  help: "A notification of the server's own, from sending it to its arrival; every 5 s.",
  advice: "Milliseconds. More: the database commits slowly, or somebody else's notifications are in the way.",
  labels: {},
  buckets: SECONDS,
} as const satisfies HistogramSpec;

export const WAITING_CALLS = {
  kind: "gauge",
  name: "holdfast_waiting_calls",
  unit: "calls",
  help: "Calls that wait, admitted and not yet answered.",
  advice: "Memory: some 20 KiB each.",
  labels: { placement: PLACEMENT },
} as const satisfies GaugeSpec;

export const WAITERS = {
  kind: "gauge",
  name: "holdfast_waiters",
  unit: "waiters",
  help: "What they wait for, one for each record of each call.",
  advice: "A tenant has at most 10 000 on each server, or less by its limit.",
  labels: { placement: PLACEMENT },
} as const satisfies GaugeSpec;

export const WAITED_KEYS = {
  kind: "gauge",
  name: "holdfast_waited_keys",
  unit: "records",
  help: "Records that somebody waits for on this server.",
  advice: "Each is read about once a second, and four times a second while `holdfast_listener_up` is 0.",
  labels: { placement: PLACEMENT },
} as const satisfies GaugeSpec;

export const LISTENER_UP = {
  kind: "gauge",
  name: "holdfast_listener_up",
  unit: "1 or 0",
  help: "1 while notifications arrive; while they do not, waiters poll.",
  advice: "0 while `holdfast_listener_wanted` is 1: the log says why.",
  labels: { placement: PLACEMENT },
  together: "min",
} as const satisfies GaugeSpec;

export const LISTENER_WANTED = {
  kind: "gauge",
  name: "holdfast_listener_wanted",
  unit: "1 or 0",
  help: "1 where notifications are to arrive; 0 until the database was opened, and behind a pooler in transaction mode that no address leads past: then polling is all that this server was set up for.",
  advice: "0: `--listen-url`, of another placement `--placement-listen-urls`, would have waiters told at once.",
  labels: { placement: PLACEMENT },
  together: "max",
} as const satisfies GaugeSpec;

/** What wakes those who wait, and what does not. Every series stands at 0 from the start; none names a key or a tenant. */
export function createWaitingMetrics(deps: WaitingMetricsDeps): WaitingObserver {
  const { metrics } = deps;
  const wakeUps = metrics.histogram(WAKE_UP);
  const failures = metrics.counter(WAIT_FAILURES)();
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
  /** False: it is not even tried. */
  readonly isWanted: () => boolean;
}

/** Once for each placement. */
export function addWaitingGauges({ metrics, placement, hub, isListening, isWanted }: WaitingGaugesDeps): void {
  metrics.gauge(WAITING_CALLS, () => hub.status().calls, { placement });
  metrics.gauge(WAITERS, () => hub.status().waiters, { placement });
  metrics.gauge(WAITED_KEYS, () => hub.status().keys, { placement });
  metrics.gauge(LISTENER_UP, () => Number(isListening()), { placement });
  metrics.gauge(LISTENER_WANTED, () => Number(isWanted()), { placement });
}

function createPromotionMetrics(metrics: Metrics): Pick<WaitingObserver, "promoted" | "gaveBack"> {
  const promotions = metrics.counter(PROMOTIONS)();
  const givenBack = metrics.counter(GIVEN_BACK)();
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
  const notifications = metrics.counter(NOTIFICATIONS);
  const sent = notifications("sent");
  const received = notifications("received");
  const dropped = notifications("dropped");
  const warn = createWarning(deps, "notifications for other servers were dropped; waiters there look for themselves");
  const probes = metrics.histogram(PROBE)();
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
