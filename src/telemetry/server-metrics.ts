import { type CounterSpec, type GaugeSpec, PLACEMENT } from "./metric-spec.ts";

/** The gauges of the server itself and of its databases; src/server/gauges.ts reads what they tell. */

export const BUILD_INFO = {
  kind: "gauge",
  name: "holdfast_build_info",
  unit: "1",
  help: "Always 1; its label is the version of the server.",
  advice: "Two versions for longer than a deployment: an upgrade has stopped half way.",
  labels: { version: "the version of the package" },
  together: "max",
} as const satisfies GaugeSpec;

export const READY = {
  kind: "gauge",
  name: "holdfast_ready",
  unit: "1 or 0",
  help: "1 while the server should be sent calls.",
  advice: "0 at the start, during a drain, and while no placement answers. `/readyz` says which.",
  labels: {},
  together: "max",
} as const satisfies GaugeSpec;

export const WORKERS_READY = {
  kind: "gauge",
  name: "holdfast_workers_ready",
  unit: "processes",
  help: "Processes of this server that are ready; 1 or 0 without --workers.",
  advice: "Fewer than `--workers` for longer than a start takes: the log says what ends them, or what they wait for.",
  labels: {},
} as const satisfies GaugeSpec;

export const WORKER_ENDS = {
  kind: "counter",
  name: "holdfast_worker_ends_total",
  unit: "processes",
  help: "Workers that have ended without having been asked to; another took the place of each.",
  advice: "Anything but 0 is a crash, or a kill for want of memory: see the log. What they held was taken over.",
  labels: {},
} as const satisfies CounterSpec;

export const WORKER_BUSY = {
  kind: "gauge",
  name: "holdfast_worker_busy_ratio",
  unit: "ratio",
  help: "Share of the time since the scrape before that the event loop of this process had something to do.",
  advice:
    "Near 1: this process is at its end, and more `--workers`, servers or client connections are wanted. One near 1 beside others near 0: callers have too few connections to go round.",
  labels: { worker: "its number, from 1" },
} as const satisfies GaugeSpec;

export const CERTIFICATE = {
  kind: "gauge",
  name: "holdfast_tls_certificate_not_after_seconds",
  unit: "seconds since the Unix epoch",
  help: "When the TLS certificate in force expires, in seconds since the Unix epoch; absent without TLS.",
  advice: "Less `time()`: what is left. A renewed file is taken up within seconds, without a restart.",
  labels: {},
  together: "min",
} as const satisfies GaugeSpec;

const OF_PLACEMENT = { placement: PLACEMENT } as const;

export const PLACEMENT_UP = {
  kind: "gauge",
  name: "holdfast_placement_up",
  unit: "1 or 0",
  help: "1 while the placement's database answers.",
  advice: "0: calls of its tenants are refused with STORE_UNAVAILABLE. The log says why.",
  labels: OF_PLACEMENT,
  together: "min",
} as const satisfies GaugeSpec;

export const POOL_CONNECTIONS = {
  kind: "gauge",
  name: "holdfast_pool_connections",
  unit: "connections",
  help: "Connections to the database that there should be; 0 until it was opened.",
  advice:
    "Fixed. Times the number of servers, and one more for each on `main`, it is what `max_connections` must have room for.",
  labels: OF_PLACEMENT,
} as const satisfies GaugeSpec;

export const POOL_OPEN = {
  kind: "gauge",
  name: "holdfast_pool_connections_open",
  unit: "connections",
  help: "Those that are open.",
  advice: "Fewer than there should be, for long: the database takes no more, or drops them.",
  labels: OF_PLACEMENT,
} as const satisfies GaugeSpec;

export const POOL_BUSY = {
  kind: "gauge",
  name: "holdfast_pool_connections_busy",
  unit: "connections",
  help: "Those with a statement under way.",
  advice: "Busy connections are no shortage: batches grow with the load. See `holdfast_batch_rows`.",
  labels: OF_PLACEMENT,
} as const satisfies GaugeSpec;

export const SWEEP_AGE = {
  kind: "gauge",
  name: "holdfast_sweep_age_seconds",
  unit: "seconds",
  help: "Since the last finished pass of the sweeper.",
  advice: "More than a few `--sweep-interval`: passes fail, or are left out because of the clock. The log says which.",
  labels: OF_PLACEMENT,
  together: "min",
} as const satisfies GaugeSpec;

export const SWEEP_LAG = {
  kind: "gauge",
  name: "holdfast_sweep_lag_seconds",
  unit: "seconds",
  help: "Since the last pass of the sweeper that left nothing to do.",
  advice: "Growing while passes succeed: more records end than are deleted. Start another server, or sweep more often.",
  labels: OF_PLACEMENT,
  together: "min",
} as const satisfies GaugeSpec;
