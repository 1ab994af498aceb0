import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import { compareKeys, keyText, type RecordKey } from "../../domain/key.ts";
import type { Carried, Tracing } from "../../telemetry/tracing.ts";
import type { StoreObserver } from "../observer.ts";
import type { Connection } from "./connection.ts";
import { createDelivery, type Outcome } from "./delivery.ts";
import { unavailable } from "./errors.ts";
import { createFairQueue, type FairQueue, type Waiting } from "./fair-queue.ts";
import type { Lanes } from "./lanes.ts";

/**
 * Many calls in one statement. There is no timer: a call is sent at once when its lane is idle, and collects with others
 * while the lane is busy, so batches grow with the load and a lonely call never waits.
 */
export interface Batcher<Call, Answer> {
  /** `deadline` is an instant of the clock: once it has passed the call is not sent any more. Rejects with a Fault. */
  submit(call: Call, deadline: number): Promise<Answer>;
  /** Refuses new calls and finishes those that it has. */
  close(): Promise<void>;
}

export interface BatcherDeps<Call, Answer> {
  /** The statement's name, for the observer. */
  readonly name: string;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly observer: StoreObserver;
  readonly tracing: Tracing;
  readonly limits: BatchLimits;
  keyOf(call: Call): RecordKey;
  bytesOf(call: Call): number;
  /**
   * Runs one batch of distinct keys, sorted by their bytes. Resolves, after the commit, with one entry per call in the
   * order of `calls`; null: undecided, it goes into the next batch, with a fresh snapshot.
   *
   * A batch whose connection was lost is sent once more, though it may have taken effect: a call must be answered then as
   * it would have been, and do nothing a second time.
   */
  run(connection: Connection, calls: readonly Call[]): Promise<readonly (Answer | null)[]>;
  /**
   * Answers a call of the leader's key that was queued before the leader was sent from what the leader was told; null:
   * it must be sent itself. With it a thousand calls of one key at once take a few round trips, not a thousand.
   */
  follow?(answer: Answer, leader: Call, follower: Call): Answer | null;
}

export interface BatchLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** For all lanes together; each lane has its share, so a blocked one cannot use up another's. */
  readonly queueCallsMax: number;
  readonly queueBytesMax: number;
}

export const BATCH_LIMITS: BatchLimits = {
  // Time per row no longer falls beyond 256 rows, and a batch takes 13 ms.
  rowsMax: 256,
  bytesMax: 2 * 1024 * 1024,
  // A lane takes some 6 000 calls a second: this is what it answers in about two seconds, and longer nobody should wait.
  queueCallsMax: 32_768,
  queueBytesMax: 64 * 1024 * 1024,
};

/** The first time, and twice with a fresh snapshot. */
const ROUNDS_MAX = 3;
const SHED_RETRY_MS = 500;

interface Entry<Call, Answer> extends Waiting, Carried {
  readonly call: Call;
  readonly key: RecordKey;
  readonly deadline: number;
  /** Counts up over all calls: tells who was here before a batch was sent. */
  readonly order: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  queuedAt: number;
  rounds: number;
  /** It was sent, and may have taken effect unseen. */
  isInDoubt: boolean;
}

interface LaneQueue<Call, Answer> {
  readonly index: number;
  readonly queue: FairQueue<Entry<Call, Answer>>;
  isPumping: boolean;
  pump: Promise<void>;
}

export function createBatcher<Call, Answer>(deps: BatcherDeps<Call, Answer>): Batcher<Call, Answer> {
  const { name, lanes, clock, observer, tracing, limits } = deps;
  const queues = Array.from({ length: lanes.count }, (_, index): LaneQueue<Call, Answer> => {
    const share = { callsMax: limits.queueCallsMax / lanes.count, bytesMax: limits.queueBytesMax / lanes.count };
    return { index, queue: createFairQueue(share), isPumping: false, pump: Promise.resolve() };
  });
  let submitted = 0;
  let closed = false;

  const enter = (
    call: Call,
    deadline: number,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
  ): Entry<Call, Answer> => {
    const key = deps.keyOf(call);
    return {
      call,
      key,
      tenant: key.tenant,
      keyText: keyText(key),
      bytes: deps.bytesOf(call),
      deadline,
      span: tracing.current(),
      order: submitted++,
      queuedAt: clock.monotonicMs(),
      rounds: 0,
      isInDoubt: false,
      resolve,
      reject,
    };
  };

  const expire = (entry: Entry<Call, Answer>): boolean => {
    if (entry.deadline > clock.monotonicMs()) return false;
    if (entry.isInDoubt)
      entry.reject(unavailable(new Error("the deadline passed before the call could be sent again")));
    else entry.reject(new Fault("DEADLINE_EXCEEDED", "The deadline passed before the call was sent."));
    return true;
  };

  const delivery = createDelivery<Entry<Call, Answer>, Answer | null>({
    name,
    lanes,
    clock,
    observer,
    tracing,
    expire,
    doubt: (entry) => {
      entry.isInDoubt = true;
    },
    run: (connection, entries) =>
      deps.run(
        connection,
        entries.map((entry) => entry.call),
      ),
  });

  const takeBatch = ({ queue }: LaneQueue<Call, Answer>): Entry<Call, Answer>[] => {
    const batch = queue.take({ rowsMax: limits.rowsMax, bytesMax: limits.bytesMax, discard: expire });
    if (batch.length > 0) {
      const oldest = batch.reduce((earliest, entry) => Math.min(earliest, entry.queuedAt), Infinity);
      observer.batchSent(name, batch.length, clock.monotonicMs() - oldest);
    }
    return batch.sort((a, b) => compareKeys(a.key, b.key));
  };

  const settle = (
    lane: LaneQueue<Call, Answer>,
    entry: Entry<Call, Answer>,
    outcome: Outcome<Answer | null>,
    sent: number,
  ) => {
    if (outcome.kind === "failed") entry.reject(outcome.error);
    else if (outcome.answer === null) settleUndecided(lane, entry);
    else {
      entry.resolve(outcome.answer);
      lead(lane, entry, outcome.answer, sent);
    }
  };

  const settleUndecided = ({ queue }: LaneQueue<Call, Answer>, entry: Entry<Call, Answer>) => {
    entry.rounds++;
    if (entry.rounds >= ROUNDS_MAX) {
      entry.reject(unavailable(new Error(`undecided after ${ROUNDS_MAX} rounds`)));
      return;
    }
    observer.undecided(name);
    entry.queuedAt = clock.monotonicMs();
    queue.putBack(entry);
  };

  const lead = ({ queue }: LaneQueue<Call, Answer>, leader: Entry<Call, Answer>, answer: Answer, sent: number) => {
    const { follow } = deps;
    if (follow === undefined) return;
    queue.takeOfKey(leader, (follower) => {
      // Whoever came later may know that the record has changed since.
      if (follower.order >= sent) return false;
      try {
        const own = follow(answer, leader.call, follower.call);
        if (own !== null) follower.resolve(own);
        return own !== null;
      } catch (error) {
        follower.reject(error);
        return true;
      }
    });
  };

  /** The batch is filled at the last moment, when the lane is ours and connected. */
  const turn = async (lane: LaneQueue<Call, Answer>) => {
    // Calls that lie in the sockets go too. Without it a busy server fills batches with what one read brought, and pays
    // the fixed cost of a statement more often.
    await clock.turn();
    let sent = submitted;
    await delivery.deliver(lane.index, {
      take: () => takeBatch(lane),
      onSend: () => {
        sent = submitted;
      },
      settle: (entry, outcome) => settle(lane, entry, outcome, sent),
      undeliverable: (error) => {
        for (const entry of lane.queue.drain()) entry.reject(error);
      },
    });
  };

  const pump = async (lane: LaneQueue<Call, Answer>) => {
    while (lane.queue.size > 0) await turn(lane);
    // In the same step as the look at the queue: a call that came in between would never be sent.
    lane.isPumping = false;
  };

  return {
    submit(call, deadline) {
      if (closed) return Promise.reject(unavailable(new Error("the store is closed")));
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const entry = enter(call, deadline, resolve, reject);
      const lane = queues[lanes.laneOf(entry.key)];
      if (lane === undefined) throw new Error("bug: a key without a lane");
      if (expire(entry)) return promise;
      if (!lane.queue.offer(entry)) {
        observer.shed(name);
        reject(new Fault("OVERLOADED", "The store's queue is full.", { retryAfterMs: SHED_RETRY_MS }));
      } else if (!lane.isPumping) {
        lane.isPumping = true;
        // It goes on for others when this call is over.
        lane.pump = tracing.detached(() => pump(lane));
      }
      return promise;
    },

    async close() {
      closed = true;
      await Promise.all(queues.map((lane) => lane.pump));
    },
  };
}
