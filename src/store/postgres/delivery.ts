import type { Clock } from "../../clock.ts";
import type { Carried, Tracing } from "../../telemetry/tracing.ts";
import type { StoreObserver } from "../observer.ts";
import type { Connection } from "./connection.ts";
import { causeName, failureOf, HalfDone, internal, unavailable } from "./errors.ts";
import type { Lanes } from "./lanes.ts";

/** Brings one batch to its end: every entry is settled exactly once, whatever fails on the way. */
export interface Delivery<Entry, Answer> {
  deliver(lane: number, shipment: Shipment<Entry, Answer>): Promise<void>;
}

export type Outcome<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly error: unknown };

export interface Shipment<Entry, Answer> {
  /** Called once, when the lane is ours and connected. */
  take(): readonly Entry[];
  /** Just before each statement that may settle entries. */
  onSend(): void;
  /** After each, however it went: how long it took, what it waited for on its connection included. */
  onDone(ms: number): void;
  settle(entry: Entry, outcome: Outcome<Answer>): void;
  /** The lane is down, and nothing was taken. */
  undeliverable(error: unknown): void;
}

export interface DeliveryDeps<Entry, Answer> {
  readonly name: string;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly observer: StoreObserver;
  readonly tracing: Tracing;
  /** True: the entry's deadline has passed, and it was told so. */
  expire(entry: Entry): boolean;
  /** The entry may have taken effect unseen: nobody may tell it from now on that it was never sent. */
  doubt(entry: Entry): void;
  run(connection: Connection, entries: readonly Entry[]): Promise<readonly Answer[]>;
}

/** What a batch has been through. */
interface History {
  readonly firstSentAt: number;
  readonly lost: number;
  readonly contended: number;
}

/** Halving goes on for so long: with every row locked elsewhere each half takes a lock_timeout, and the lane stands still. */
const CONTENDED_MS_MAX = 4_000;
const EXHAUSTED_RETRY_MS = 1_000;

export function createDelivery<Entry extends Carried, Answer>(
  deps: DeliveryDeps<Entry, Answer>,
): Delivery<Entry, Answer> {
  const { name, lanes, clock, observer, tracing, expire } = deps;

  interface Task {
    readonly lane: number;
    readonly shipment: Shipment<Entry, Answer>;
  }

  const send = async ({ shipment }: Task, connection: Connection, batch: readonly Entry[]) => {
    if (batch.length === 0) return [];
    shipment.onSend();
    const startedAt = clock.monotonicMs();
    let outcome: "ok" | "error" = "error";
    try {
      const answers = await tracing.batch(name, batch, () => deps.run(connection, batch));
      if (answers.length !== batch.length) throw new Error(`bug: ${answers.length} answers to ${batch.length} calls`);
      outcome = "ok";
      return answers;
    } finally {
      const ms = clock.monotonicMs() - startedAt;
      shipment.onDone(ms);
      observer.statementDone(name, ms, outcome);
    }
  };

  const settleAll = ({ shipment }: Task, batch: readonly Entry[], answers: readonly Answer[]) => {
    for (let i = 0; i < batch.length; i++)
      shipment.settle(batch[i] as Entry, { kind: "answered", answer: answers[i] as Answer });
  };

  const failAll = ({ shipment }: Task, batch: readonly Entry[], error: unknown) => {
    for (const entry of batch) shipment.settle(entry, { kind: "failed", error });
  };

  const again = async (task: Task, batch: readonly Entry[], history: History): Promise<void> => {
    // A batch that was lost goes again as it was: for those whose deadline has passed it settles what became of them.
    const living = history.lost > 0 ? batch : batch.filter((entry) => !expire(entry));
    let answers: readonly Answer[];
    try {
      answers = await lanes.run(task.lane, (connection) => send(task, connection, living));
    } catch (error) {
      return recover(task, living, history, error);
    }
    settleAll(task, living, answers);
  };

  /** One after the other: they may not meet each other in the database. */
  const eachOf = async (task: Task, parts: readonly (readonly Entry[])[], history: History): Promise<void> => {
    for (const part of parts) await again(task, part, history);
  };

  const recover = async (task: Task, batch: readonly Entry[], history: History, thrown: unknown): Promise<void> => {
    const error = thrown instanceof HalfDone ? thrown.cause : thrown;
    if (thrown instanceof HalfDone) for (const entry of batch) deps.doubt(entry);
    switch (failureOf(error)) {
      case "lost":
      case "not-primary":
        for (const entry of batch) deps.doubt(entry);
        if (history.lost > 0) return failAll(task, batch, unavailable(error));
        observer.retried(name, causeName(error));
        return again(task, batch, { ...history, lost: 1 });
      case "contended": {
        const spent = clock.monotonicMs() - history.firstSentAt > CONTENDED_MS_MAX;
        const next = { ...history, contended: history.contended + 1 };
        if (history.contended > 0 && (batch.length === 1 || spent)) return failAll(task, batch, unavailable(error));
        observer.retried(name, causeName(error));
        return history.contended === 0 ? again(task, batch, next) : eachOf(task, halves(batch), next);
      }
      case "poison":
        if (batch.length === 1) return failAll(task, batch, internal(error));
        observer.retried(name, causeName(error));
        return eachOf(task, singles(batch), history);
      case "exhausted":
        return failAll(task, batch, unavailable(error, EXHAUSTED_RETRY_MS));
      case "bug":
        return failAll(task, batch, error);
    }
  };

  return {
    async deliver(lane, shipment) {
      const task: Task = { lane, shipment };
      const first: { batch?: readonly Entry[]; sentAt: number } = { sentAt: 0 };
      let answers: readonly Answer[];
      try {
        answers = await lanes.run(lane, (connection) => {
          first.batch = shipment.take();
          first.sentAt = clock.monotonicMs();
          return send(task, connection, first.batch);
        });
      } catch (error) {
        if (first.batch === undefined) return shipment.undeliverable(error);
        return recover(task, first.batch, { firstSentAt: first.sentAt, lost: 0, contended: 0 }, error);
      }
      settleAll(task, first.batch ?? [], answers);
    },
  };
}

function singles<Entry>(batch: readonly Entry[]): (readonly Entry[])[] {
  return batch.map((entry) => [entry]);
}

function halves<Entry>(batch: readonly Entry[]): (readonly Entry[])[] {
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}
