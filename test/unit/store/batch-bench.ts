import type { RecordKey } from "../../../src/domain/key.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import type { BatchLimits } from "../../../src/store/postgres/batch-limits.ts";
import { createBatcher, type Undecided } from "../../../src/store/postgres/batcher.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import type { Lanes } from "../../../src/store/postgres/lanes.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { createFakeDatabase, createFakeLanes } from "./fake-database.ts";
import { createManualClock, type ManualClock, settled } from "./manual-clock.ts";

export interface Call {
  readonly key: RecordKey;
  readonly id: string;
  readonly bytes: number;
}

/** One run of the statement, waiting for the test to say how it went. */
export interface Run {
  readonly ids: readonly string[];
  readonly connection: Connection;
  /** Each call is answered with its own id. */
  succeed(): Promise<void>;
  answer(answers: readonly (string | null)[]): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export interface BenchOptions {
  readonly lanes?: number;
  /** Of each lane. */
  readonly atOnce?: number;
  readonly limits?: Partial<BatchLimits>;
  readonly undecided?: Undecided<Call, string>;
  readonly follow?: (answer: string, leader: Call, follower: Call) => string | null;
}

const LIMITS: BatchLimits = {
  ...{ rowsMax: 256, bytesMax: 2 << 20, aheadRowsMin: 64 },
  ...{ queueCallsMax: 10_000, queueBytesMax: 64 << 20 },
};

/** A batcher over lanes that are open, whose statement is in the test's hands. */
export async function setUpBatcher(options: BenchOptions = {}) {
  const { clock, database, lanes } = await openLanes(options);
  return { clock, database, lanes, ...batcherOver(lanes, clock, options) };
}

export async function openLanes({ lanes: laneCount = 1, atOnce = 1 }: BenchOptions = {}) {
  const clock = createManualClock();
  const database = createFakeDatabase();
  const lanes = createFakeLanes(database, clock, laneCount, () => 0.5, null, atOnce);
  await lanes.opened();
  await clock.advance(1_000); // The sessions have proved themselves: a lane reconnects without delay.
  return { clock, database, lanes };
}

export function batcherOver(lanes: Lanes, clock: ManualClock, { limits, follow, undecided }: BenchOptions = {}) {
  const runs: Run[] = [];
  const told = {
    batches: [] as number[],
    retried: [] as string[],
    undecided: 0,
    shed: 0,
    done: [] as string[],
    waitsMs: [] as number[],
  };
  const batcher = createBatcher<Call, string>({
    name: "claim",
    lanes,
    clock,
    tracing: noTracing,
    observer: {
      ...silentObserver,
      batchSent: (_, rows, oldestQueuedMs) => {
        told.batches.push(rows);
        told.waitsMs.push(oldestQueuedMs);
      },
      statementDone: (_, __, outcome) => told.done.push(outcome),
      retried: (_, cause) => told.retried.push(cause),
      undecided: () => told.undecided++,
      shed: () => told.shed++,
    },
    limits: { ...LIMITS, ...limits },
    keyOf: (call) => call.key,
    bytesOf: (call) => call.bytes,
    run(connection, calls) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly (string | null)[]>();
      const ids = calls.map((call) => call.id);
      const then = async (settle: () => void) => {
        settle();
        await settled();
      };
      runs.push({
        ids,
        connection,
        succeed: () => then(() => resolve(ids)),
        answer: (answers) => then(() => resolve(answers)),
        fail: (error) => then(() => reject(error)),
      });
      return promise;
    },
    ...(follow === undefined ? {} : { follow }),
    ...(undecided === undefined ? {} : { undecided }),
  });

  /** Submits and keeps the outcome, so that none is unhandled. */
  const submit = (call: Call, deadline = Infinity): Submitted => {
    const submitted: Submitted = { state: "open", answer: null, error: null };
    batcher.submit(call, deadline).then(
      (answer) => Object.assign(submitted, { state: "answered", answer }),
      (error: unknown) => Object.assign(submitted, { state: "failed", error }),
    );
    return submitted;
  };

  /** Submits, and waits until what can be sent was sent. */
  const send = async (...calls: readonly Call[]): Promise<Submitted[]> => {
    const submitted = calls.map((call) => submit(call));
    await settled();
    return submitted;
  };

  const run = (nth: number): Run => {
    const found = runs.at(nth);
    if (found === undefined) throw new Error(`no run ${nth}, there are ${runs.length}`);
    return found;
  };

  return { batcher, runs, run, told, submit, send };
}

export interface Submitted {
  readonly state: "open" | "answered" | "failed";
  readonly answer: string | null;
  readonly error: unknown;
}

export function call(id: string, { key = id, tenant = "t", bytes = 100 } = {}): Call {
  return { key: { tenant, scope: "s", key }, id, bytes };
}

export function calls(count: number, tenant = "t"): Call[] {
  return Array.from({ length: count }, (_, i) => call(`${tenant}${String(i).padStart(4, "0")}`, { tenant }));
}
