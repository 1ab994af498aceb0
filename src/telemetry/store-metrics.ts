import type { StoreObserver } from "../store/observer.ts";
import type { Swept } from "../store/store.ts";
import { type CounterSpec, type HistogramSpec, SECONDS } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";

/** Up to the largest batch. */
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const;

const SWEPT = ["forgotten", "abandoned", "emptied", "settled"] as const satisfies readonly (keyof Swept)[];

/** Those that calls are batched for. */
const BATCHED = ["claim", "reclaim", "reconcile", "heartbeat", "finish", "peek", "watch"] as const;

/** What operators ask for, one call at a time. */
const OPERATED = ["list", "history", "release", "resolve", "reset", "purge"] as const;

export const BATCH_ROWS = {
  kind: "histogram",
  name: "holdfast_batch_rows",
  unit: "rows",
  help: "Rows of one statement.",
  advice:
    "256 is the most. While most batches are small the database keeps up; when they fill, it does not much longer.",
  labels: { statement: BATCHED },
  buckets: ROWS,
} as const satisfies HistogramSpec;

export const QUEUE_WAIT = {
  kind: "histogram",
  name: "holdfast_queue_wait_seconds",
  unit: "seconds",
  help: "How long the oldest call of a batch had queued.",
  advice: "About as long as the statement before it takes. More: the database is slow, locked, or has too much to do.",
  labels: { statement: BATCHED },
  buckets: SECONDS,
} as const satisfies HistogramSpec;

export const STATEMENT = {
  kind: "histogram",
  name: "holdfast_statement_seconds",
  unit: "seconds",
  help: "From sending a statement to its answer, or to its failure.",
  advice: "Rising: look at the database, its disk above all.",
  labels: { statement: [...BATCHED, ...OPERATED] },
  buckets: SECONDS,
} as const satisfies HistogramSpec;

/** No label of the histogram: it would double the largest metric of all. */
export const STATEMENT_ERRORS = {
  kind: "counter",
  name: "holdfast_statement_errors_total",
  unit: "statements",
  help: "Those that failed.",
  advice: "See the log, and `holdfast_store_retries_total`: most are sent again.",
  labels: { statement: [...BATCHED, ...OPERATED] },
} as const satisfies CounterSpec;

export const RETRIES = {
  kind: "counter",
  name: "holdfast_store_retries_total",
  unit: "batches",
  help: "Batches sent once more, by SQLSTATE.",
  advice:
    "connection and 57P01: the database restarted or failed over. 40001, 40P01, 55P03: somebody else locks rows of holdfast.record.",
  labels: { statement: BATCHED, cause: "a SQLSTATE, or `connection`; a series begins with its first retry" },
} as const satisfies CounterSpec;

export const UNDECIDED = {
  kind: "counter",
  name: "holdfast_undecided_total",
  unit: "calls",
  help: "Calls sent once more with a fresh reading, because their record had changed before it could be taken.",
  advice: "A few are races of servers for one key. Many: a crowd of callers on several servers fights for few keys.",
  labels: { statement: BATCHED },
} as const satisfies CounterSpec;

export const SHED = {
  kind: "counter",
  name: "holdfast_shed_total",
  unit: "calls",
  help: "Calls refused because the queue was full.",
  advice: "Anything but 0 is overload: more than the database takes, or a database that hardly answers.",
  labels: { statement: BATCHED },
} as const satisfies CounterSpec;

export const SWEPT_RECORDS = {
  kind: "counter",
  name: "holdfast_swept_records_total",
  unit: "records",
  help: "Records that the sweeper dealt with.",
  advice:
    "forgotten: past their tombstone. abandoned: given back and never claimed again. emptied: results past their retention. settled: attempts used up and the lease over, for good.",
  labels: { action: SWEPT },
} as const satisfies CounterSpec;

export const SWEEP = {
  kind: "histogram",
  name: "holdfast_sweep_seconds",
  unit: "seconds",
  help: "One pass of the sweeper.",
  advice: "Passes of seconds: the table wants a vacuum, or `holdfast doctor`.",
  labels: {},
  buckets: SECONDS,
} as const satisfies HistogramSpec;

export const CLOCK_STEPS = {
  kind: "counter",
  name: "holdfast_clock_steps_total",
  unit: "passes",
  help: "Passes left out because the database's clock had jumped; look at that clock before the next pass.",
  advice: "Set the clock of the database's machine right at once: leases and retentions are judged by it.",
  labels: {},
} as const satisfies CounterSpec;

/**
 * What the store does with the database. Every series stands at 0 from the start but those of the retries, whose causes
 * nobody can list: there a series begins with its first retry.
 */
export function createStoreMetrics(metrics: Metrics): StoreObserver {
  const batch = createBatchMetrics(metrics);
  const sweeps = createSweepMetrics(metrics);
  return { ...batch, ...sweeps };
}

function createBatchMetrics(metrics: Metrics): Omit<StoreObserver, "swept" | "clockStepped"> {
  const rows = metrics.histogram(BATCH_ROWS);
  const waits = metrics.histogram(QUEUE_WAIT);
  const seconds = metrics.histogram(STATEMENT);
  const errors = metrics.counter(STATEMENT_ERRORS);
  const retries = metrics.counter(RETRIES);
  const undecided = metrics.counter(UNDECIDED);
  const shed = metrics.counter(SHED);
  return {
    batchSent(statement, count, oldestQueuedMs) {
      rows(statement).observe(count);
      waits(statement).observe(oldestQueuedMs / 1000);
    },
    statementDone(statement, ms, outcome) {
      seconds(statement).observe(ms / 1000);
      if (outcome === "error") errors(statement).value++;
    },
    retried(statement, cause) {
      retries(statement, cause).value++;
    },
    undecided(statement) {
      undecided(statement).value++;
    },
    shed(statement) {
      shed(statement).value++;
    },
  };
}

function createSweepMetrics(metrics: Metrics): Pick<StoreObserver, "swept" | "clockStepped"> {
  const swept = metrics.counter(SWEPT_RECORDS);
  const seconds = metrics.histogram(SWEEP)();
  const steps = metrics.counter(CLOCK_STEPS)();
  return {
    swept(counts, ms) {
      for (const action of SWEPT) swept(action).value += counts[action];
      seconds.observe(ms / 1000);
    },
    clockStepped() {
      steps.value++;
    },
  };
}
