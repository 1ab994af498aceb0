import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import { compareKeys, keyText, type RecordKey } from "../../domain/key.ts";
import type { Tracing } from "../../telemetry/tracing.ts";
import type { StoreObserver } from "../observer.ts";
import { type BatchLimits, isWorthSending, rowsOfNext } from "./batch-limits.ts";
import type { Connection } from "./connection.ts";
import { createDelivery, type Outcome } from "./delivery.ts";
import { unavailable } from "./errors.ts";
import { createFairQueue, type FairQueue } from "./fair-queue.ts";
import { answerFollowers, type Follow } from "./followers.ts";
import type { Lanes } from "./lanes.ts";
import { createRoom, type Room } from "./room.ts";
import { WaitingCall } from "./waiting-call.ts";

/**
 * Many calls in one statement. There is no timer: a call is sent at once when its lane is idle, and collects with others
 * while the lane is busy, so batches grow with the load and a lonely call never waits.
 */
export interface Batcher<Call, Answer> {
  /** `deadline` is an instant of the clock: once it has passed the call is not sent any more. Rejects with a Fault. */
  submit(call: Call, deadline: number): Promise<Answer>;
  /**
   * Takes over a call that another batcher could not decide. It is never refused, for it has its room there until it is
   * settled. One that has lost a round comes first; any other waits for its turn, or a flood of them would starve others.
   */
  adopt(waiting: WaitingCall<Call, Answer>, place: "first" | "in-turn"): void;
  /** Refuses new calls and finishes those that were submitted to it, wherever they are by now. */
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
  /** With it a thousand calls of one key at once take a few round trips, not a thousand. */
  readonly follow?: Follow<Call, Answer>;
  /** Where undecided calls go; absent: into the next batch of their own. */
  readonly undecided?: Undecided<Call, Answer>;
}

export interface Undecided<Call, Answer> {
  readonly batcher: () => Pick<Batcher<Call, Answer>, "adopt">;
  /** False: it is the usual way from there, and counts as no round. */
  readonly isRound: boolean;
}

/** The first time, and twice with a fresh snapshot. */
const ROUNDS_MAX = 3;
const SHED_RETRY_MS = 500;

interface LaneQueue<Call, Answer> {
  readonly index: number;
  readonly queue: FairQueue<WaitingCall<Call, Answer>>;
  readonly room: Room;
  /** Of its batches; each is sent before the one before it was answered only if that is worth it. */
  underWay: number;
  /** A batch is about to be filled. */
  isFilling: boolean;
  /** How long its last statement took. */
  statementMs: number;
}

export function createBatcher<Call, Answer>(deps: BatcherDeps<Call, Answer>): Batcher<Call, Answer> {
  const { name, lanes, clock, observer, tracing, limits } = deps;
  const sending = { ...limits, atOnce: lanes.atOnce };
  const queues = Array.from({ length: lanes.count }, (_, index): LaneQueue<Call, Answer> => {
    const share = { callsMax: limits.queueCallsMax / lanes.count, bytesMax: limits.queueBytesMax / lanes.count };
    const state = { underWay: 0, isFilling: false, statementMs: 0 };
    return { index, queue: createFairQueue(), room: createRoom(share), ...state };
  });
  /** Counts calls in the order in which they came. */
  let came = 0;
  let closed = false;

  const laneOf = (text: string): LaneQueue<Call, Answer> => {
    const lane = queues[lanes.laneOf(text)];
    if (lane === undefined) throw new Error("bug: a key without a lane");
    return lane;
  };

  const delivery = createDelivery<WaitingCall<Call, Answer>, Answer | null>({
    name,
    lanes,
    clock,
    observer,
    tracing,
    expire: (waiting) => {
      const isOver = waiting.expire(clock.monotonicMs());
      if (isOver) laneOf(waiting.keyText).queue.release(waiting);
      return isOver;
    },
    doubt: (waiting) => {
      waiting.isInDoubt = true;
    },
    run: (connection, batch) =>
      deps.run(
        connection,
        batch.map(({ call }) => call),
      ),
  });

  const takeBatch = (lane: LaneQueue<Call, Answer>): WaitingCall<Call, Answer>[] => {
    const now = clock.monotonicMs();
    const rowsMax = rowsOfNext(lane, sending);
    const batch = lane.queue.take({ rowsMax, bytesMax: limits.bytesMax, discard: (waiting) => waiting.expire(now) });
    if (batch.length > 0) {
      const oldest = batch.reduce((earliest, { queuedAt }) => Math.min(earliest, queuedAt), Infinity);
      observer.batchSent(name, batch.length, now - oldest);
    }
    return batch.sort((a, b) => compareKeys(a.key, b.key));
  };

  const settle = (
    { queue }: LaneQueue<Call, Answer>,
    waiting: WaitingCall<Call, Answer>,
    outcome: Outcome<Answer | null>,
    sent: number,
  ) => {
    const answer = outcome.kind === "answered" ? outcome.answer : null;
    if (outcome.kind === "failed") waiting.fail(outcome.error);
    if (answer !== null) {
      waiting.answer(answer);
      if (deps.follow !== undefined) answerFollowers(queue, waiting, answer, { sent, follow: deps.follow });
    }
    queue.release(waiting);
    if (outcome.kind === "answered" && answer === null) passOn(waiting);
  };

  const passOn = (waiting: WaitingCall<Call, Answer>) => {
    const { batcher = () => self, isRound = true } = deps.undecided ?? {};
    if (isRound && ++waiting.rounds >= ROUNDS_MAX) {
      waiting.fail(unavailable(new Error(`undecided after ${ROUNDS_MAX} rounds`)));
      return;
    }
    if (isRound) observer.undecided(name);
    batcher().adopt(waiting, isRound ? "first" : "in-turn");
  };

  /** The batch is filled at the last moment, when the lane is ours and connected. */
  const turn = async (lane: LaneQueue<Call, Answer>) => {
    // Calls that lie in the sockets go too. Without it a busy server fills batches with what one read brought, and pays
    // the fixed cost of a statement more often.
    await clock.turn();
    let sent = came;
    let taken = false;
    await delivery.deliver(lane.index, {
      take: () => {
        const batch = takeBatch(lane);
        lane.isFilling = false;
        taken = true;
        lane.underWay++;
        pump(lane);
        return batch;
      },
      onSend: () => {
        sent = came;
      },
      onDone: (ms) => {
        lane.statementMs = ms;
      },
      settle: (waiting, outcome) => settle(lane, waiting, outcome, sent),
      undeliverable: (error) => {
        lane.isFilling = false;
        for (const waiting of lane.queue.drain()) waiting.fail(error);
      },
    });
    if (taken) lane.underWay--;
    pump(lane);
  };

  const pump = (lane: LaneQueue<Call, Answer>) => {
    if (lane.isFilling || !isWorthSending(lane, sending)) return;
    lane.isFilling = true;
    // It goes on for others when this call is over.
    void tracing.detached(() => turn(lane));
  };

  const put = (lane: LaneQueue<Call, Answer>, waiting: WaitingCall<Call, Answer>, place: "first" | "in-turn") => {
    waiting.order = came++;
    if (place === "first") lane.queue.putFirst(waiting);
    else lane.queue.put(waiting);
    pump(lane);
  };

  const self: Batcher<Call, Answer> = {
    submit(call, deadline) {
      if (closed) return Promise.reject(unavailable(new Error("the store is closed")));
      const [key, bytes] = [deps.keyOf(call), deps.bytesOf(call)];
      const text = keyText(key);
      const lane = laneOf(text);
      const carried = { call, key, keyText: text, bytes, deadline, now: clock.monotonicMs(), span: tracing.current() };
      const waiting = new WaitingCall<Call, Answer>(carried, lane.room);
      if (!lane.room.enter(waiting)) {
        observer.shed(name);
        return Promise.reject(new Fault("OVERLOADED", "The store's queue is full.", { retryAfterMs: SHED_RETRY_MS }));
      }
      if (!waiting.expire(waiting.queuedAt)) put(lane, waiting, "in-turn");
      return waiting.answered;
    },

    adopt(waiting, place) {
      waiting.queuedAt = clock.monotonicMs();
      put(laneOf(waiting.keyText), waiting, place);
    },

    async close() {
      closed = true;
      await Promise.all(queues.map(({ room }) => room.empty()));
    },
  };
  return self;
}
