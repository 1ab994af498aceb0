import { OPERATOR_CHANGES } from "./change-metrics.ts";
import { EVENT_LOOP_DELAY, MEMORY_USED, SHEDDING, SHEDDING_BEGUN } from "./guard-metrics.ts";
import { KEY_SET_FETCHES } from "./key-set-metrics.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { PROCESS_METRICS } from "./process-metrics.ts";
import { COUNT_AGE, OPEN_RECORDS, STUCK_RECORDS, STUCK_SECONDS } from "./record-metrics.ts";
import { REFUSALS } from "./refusal-metrics.ts";
import { ACQUIRES, CLAIMS, ENDS, HANDLED, HANDLING, RECEIVED, SENT, STARTED } from "./rpc-metrics.ts";
import { UNOPENABLE } from "./sealing-metrics.ts";
import {
  BUILD_INFO,
  CERTIFICATE,
  PLACEMENT_UP,
  POOL_BUSY,
  POOL_CONNECTIONS,
  POOL_OPEN,
  READY,
  SWEEP_AGE,
  SWEEP_LAG,
  WORKER_BUSY,
  WORKER_ENDS,
  WORKERS_READY,
} from "./server-metrics.ts";
import { SESSION_PAUSES, SESSIONS } from "./session-metrics.ts";
import {
  BATCH_ROWS,
  CLOCK_STEPS,
  QUEUE_WAIT,
  RETRIES,
  SHED,
  STATEMENT,
  STATEMENT_ERRORS,
  SWEEP,
  SWEPT_RECORDS,
  UNDECIDED,
} from "./store-metrics.ts";
import {
  BUILDS,
  CHANGES_LISTENING,
  CHANGES_READING,
  TENANTS,
  TENANTS_BUILT,
  TRANSITIONS,
  VALIDATIONS,
} from "./tenant-metrics.ts";
import {
  GIVEN_BACK,
  LISTENER_UP,
  LISTENER_WANTED,
  NOTIFICATIONS,
  PROBE,
  PROMOTIONS,
  WAIT_FAILURES,
  WAITED_KEYS,
  WAITERS,
  WAITING_CALLS,
  WAKE_UP,
} from "./waiting-metrics.ts";

/** Metrics that are looked at together. */
export interface MetricGroup {
  readonly title: string;
  readonly metrics: readonly MetricSpec[];
}

/** Every metric of a server. A test holds it against the page of one that runs. */
export const CATALOG: readonly MetricGroup[] = [
  {
    title: "Is it healthy",
    metrics: [READY, PLACEMENT_UP, BUILD_INFO, CERTIFICATE, WORKERS_READY, WORKER_ENDS, WORKER_BUSY],
  },
  { title: "Calls", metrics: [STARTED, HANDLED, HANDLING, REFUSALS, RECEIVED, SENT, SESSIONS, SESSION_PAUSES] },
  { title: "Claims and ends", metrics: [CLAIMS, ACQUIRES, ENDS] },
  { title: "Open and stuck records", metrics: [STUCK_RECORDS, STUCK_SECONDS, OPEN_RECORDS, COUNT_AGE] },
  {
    title: "Waiting",
    metrics: [
      ...[WAITING_CALLS, WAITERS, WAITED_KEYS, WAKE_UP, PROMOTIONS, GIVEN_BACK, WAIT_FAILURES],
      ...[LISTENER_UP, LISTENER_WANTED, PROBE, NOTIFICATIONS],
    ],
  },
  {
    title: "Database",
    metrics: [
      ...[POOL_CONNECTIONS, POOL_OPEN, POOL_BUSY, BATCH_ROWS, QUEUE_WAIT, STATEMENT, STATEMENT_ERRORS],
      ...[RETRIES, UNDECIDED, SHED],
    ],
  },
  { title: "Sweeper", metrics: [SWEEP_AGE, SWEEP_LAG, SWEPT_RECORDS, SWEEP, CLOCK_STEPS] },
  {
    title: "Tenants and credentials",
    metrics: [
      ...[TENANTS, TENANTS_BUILT, BUILDS, TRANSITIONS, VALIDATIONS, CHANGES_READING, CHANGES_LISTENING],
      ...[KEY_SET_FETCHES, UNOPENABLE, OPERATOR_CHANGES],
    ],
  },
  { title: "Overload", metrics: [SHEDDING, SHEDDING_BEGUN, EVENT_LOOP_DELAY, MEMORY_USED] },
  { title: "Process", metrics: PROCESS_METRICS },
];
