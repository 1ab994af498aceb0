import type { Clock } from "../../clock.ts";
import type { ClaimAnswer, ClaimCall } from "../../domain/calls.ts";
import type { Instant } from "../../domain/instant.ts";
import type { Tracing } from "../../telemetry/tracing.ts";
import type { StoreObserver } from "../observer.ts";
import type { Store } from "../store.ts";
import type { BatchLimits } from "./batch-limits.ts";
import type { Keyed } from "./batch-rows.ts";
import { type Batcher, type BatcherDeps, createBatcher } from "./batcher.ts";
import { type CallKind, createCallKinds } from "./call-kinds.ts";
import type { Database } from "./database.ts";
import { failureOf, unavailable } from "./errors.ts";
import { needsDurability } from "./heartbeat.ts";
import type { Lanes } from "./lanes.ts";
import { createOperators } from "./operators.ts";
import { createServerTime } from "./server-time.ts";
import { createSweep } from "./sweep.ts";

/** The store on Postgres. The database's sessions are its owner's, who closes them afterwards. */
export interface PostgresStore extends Store {
  /** Refuses new calls and finishes those that it has. */
  close(): Promise<void>;
}

export interface PostgresStoreDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly observer: StoreObserver;
  readonly tracing: Tracing;
  readonly limits: BatchLimits;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
  /** Null: the database's clock judges. Tests give the instant that stands for it. */
  readonly asOf: () => Instant | null;
}

/** Pages of several operators, and of reconcilers who look for work; each takes some milliseconds. */
const LOOKING_WAITING_MAX = 32;
/** Changes of several operators and their scripts; each takes some milliseconds. */
const CHANGING_WAITING_MAX = 64;

/**
 * A batcher for each kind of call, over a few connections: two for claims and two for ends, so that two batches are
 * always in flight and callers do not fall into step; heartbeats have their own, because overload must not expire leases.
 */
export function createPostgresStore({ database, newToken, asOf, ...common }: PostgresStoreDeps): PostgresStore {
  const time = createServerTime({ clock: common.clock, asOf });
  const sweep = createSweep(time);
  const kinds = createCallKinds(time);

  const closers: (() => Promise<void>)[] = [];
  const batched = <Call extends Keyed, Answer>(
    lanes: Lanes,
    kind: CallKind<Call, Answer> & Pick<BatcherDeps<Call, Answer>, "undecided">,
  ): Batcher<Call, Answer> => {
    const batcher = createBatcher<Call, Answer>({ ...common, ...kind, lanes, keyOf: (call) => call.key });
    closers.push(() => batcher.close());
    return batcher;
  };

  const claiming = database.lanes(2, { atOnce: 2 });
  // What is there already, and what has changed since it was read, goes to and fro between these two.
  const claims: Batcher<ClaimCall, ClaimAnswer> = batched(claiming, {
    ...kinds.claim,
    undecided: { batcher: () => reclaims, isRound: false },
  });
  const reclaims: Batcher<ClaimCall, ClaimAnswer> = batched(claiming, {
    ...kinds.reclaim,
    undecided: { batcher: () => claims, isRound: true },
  });
  const reconciles = batched(claiming, kinds.reconcile);
  const finishes = batched(database.lanes(2, { atOnce: 2 }), kinds.finish);
  // Apart, or one checkpoint would make a whole batch of bare extensions wait for the disk.
  const beating = database.lanes(1);
  const lazyHeartbeats = batched(beating, kinds.heartbeat);
  const durableHeartbeats = batched(beating, kinds.heartbeat);
  const reading = database.lanes(1);
  const peeks = batched(reading, kinds.peek);
  const watches = batched(reading, kinds.watch);
  // Apart: a page of records must hold up no peek and no change, and a change may have to wait for others' changes.
  const looking = database.lanes(1, { optional: true, waitingMax: LOOKING_WAITING_MAX });
  const changing = database.lanes(1, { optional: true, waitingMax: CHANGING_WAITING_MAX });
  const operators = createOperators({
    ...common,
    look: (work) => looking.run(0, work),
    change: (work) => changing.run(0, work),
    newToken,
    time,
  });

  return {
    ...operators,
    claim: (call, deadline) => (call.intent === "execute" ? claims : reconciles).submit(call, deadline),
    heartbeat: (call, deadline) => (needsDurability(call) ? durableHeartbeats : lazyHeartbeats).submit(call, deadline),
    finish: (call, deadline) => finishes.submit(call, deadline),
    peek: (key, deadline) => peeks.submit({ key }, deadline),
    watch: (call, deadline) => watches.submit(call, deadline),
    sweep: (limit, upTo) => reading.run(0, (connection) => sweep(connection, limit, upTo)).catch(rethrow),
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

function rethrow(error: unknown): never {
  throw failureOf(error) === "bug" ? error : unavailable(error);
}
