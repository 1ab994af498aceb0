import type { StoreObserver } from "../store/observer.ts";
import type { Swept } from "../store/store.ts";
import { type Metrics, SECONDS } from "./metrics.ts";

/** Up to the largest batch. */
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const;

const SWEPT = ["forgotten", "abandoned", "emptied", "settled"] as const satisfies readonly (keyof Swept)[];

/** Those that calls are batched for. */
const STATEMENTS = ["claim", "reconcile", "heartbeat", "finish", "peek", "watch", "release", "reset"] as const;

/**
 * What the store does with the database. `statement` is the name of a .sql file. Every series stands at 0 from the start
 * but those of the retries, whose causes nobody can list: there a series begins with its first retry.
 */
export function createStoreMetrics(metrics: Metrics): StoreObserver {
  const batch = createBatchMetrics(metrics);
  const sweeps = createSweepMetrics(metrics);
  return { ...batch, ...sweeps };
}

function createBatchMetrics(metrics: Metrics): Omit<StoreObserver, "swept" | "clockStepped"> {
  const rows = metrics.histogram({
    name: "holdfast_batch_rows",
    help: "Rows of one statement.",
    labelNames: ["statement"],
    buckets: ROWS,
  });
  const waits = metrics.histogram({
    name: "holdfast_queue_wait_seconds",
    help: "How long the oldest call of a batch had queued.",
    labelNames: ["statement"],
    buckets: SECONDS,
  });
  const seconds = metrics.histogram({
    name: "holdfast_statement_seconds",
    help: "From sending a statement to its answer.",
    labelNames: ["statement", "outcome"],
    buckets: SECONDS,
  });
  const retries = metrics.counter("holdfast_store_retries_total", "Batches sent once more, by SQLSTATE.", [
    "statement",
    "cause",
  ]);
  const undecided = metrics.counter(
    "holdfast_undecided_total",
    "Calls sent once more with a fresh reading, because their record had changed before it could be taken.",
    ["statement"],
  );
  const shed = metrics.counter("holdfast_shed_total", "Calls refused because the queue was full.", ["statement"]);
  for (const statement of STATEMENTS) {
    rows(statement);
    waits(statement);
    for (const outcome of ["ok", "error"]) seconds(statement, outcome);
    undecided(statement);
    shed(statement);
  }
  return {
    batchSent(statement, count, oldestQueuedMs) {
      rows(statement).observe(count);
      waits(statement).observe(oldestQueuedMs / 1000);
    },
    statementDone(statement, ms, outcome) {
      seconds(statement, outcome).observe(ms / 1000);
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
  const swept = metrics.counter("holdfast_swept_records_total", "Records that the sweeper dealt with.", ["action"]);
  const seconds = metrics.histogram({
    name: "holdfast_sweep_seconds",
    help: "One pass of the sweeper.",
    buckets: SECONDS,
  })();
  const steps = metrics.counter(
    "holdfast_clock_steps_total",
    "Passes left out because the database's clock had jumped; look at that clock before the next pass.",
  )();
  for (const action of SWEPT) swept(action);
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
