import { readFileSync } from "node:fs";
import type { Clock } from "../../clock.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import type { Notifier } from "../notifier.ts";
import type { WaitingObserver } from "../observer.ts";
import { toPayloads, type WakeId } from "../wake-id.ts";

export interface PostgresNotifier extends Notifier, AsyncDisposable {
  /** Sends what was collected; what comes later is dropped. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface PostgresNotifierDeps {
  /**
   * Lends a connection that nobody else uses. Rejects with what `work` threw, or without having run it when there is no
   * connection to be had.
   */
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly observer: Pick<WaitingObserver, "notificationsSent" | "notificationsDropped">;
}

/** From one statement to the next. What comes between travels together, and the same id once. */
const APART_MS = 2;
/** Collected while a statement is under way; 1.6 MB. */
export const COLLECTED_IDS_MAX = 100_000;

const NOTIFY = { name: "notify", text: readFileSync(new URL("notify.sql", import.meta.url), "utf8") };

/**
 * NOTIFY in statements of its own, after what they tell of is durable. Inside the transaction that writes, it would hold
 * a lock of the whole cluster while that waits for the disk: about one such commit for each flush, whoever makes it.
 *
 * What cannot be sent is dropped and counted, never sent later: by then those who wait have read for themselves, and a
 * database that is back would get the notifications of its whole absence at once.
 */
export function createPostgresNotifier({ run, clock, observer }: PostgresNotifierDeps): PostgresNotifier {
  let collected = new Set<WakeId>();
  let flushing: Promise<void> | null = null;
  let isClosed = false;

  const send = async () => {
    let batch: readonly WakeId[] = [];
    const take = (): readonly WakeId[] => {
      if (batch.length > 0) return batch;
      batch = [...collected];
      collected = new Set();
      return batch;
    };
    try {
      // Taken when the connection is ours: until then the batch grows.
      await run((connection) => connection.query(NOTIFY, [toPayloads(take())]));
      observer.notificationsSent(batch.length);
    } catch (error) {
      observer.notificationsDropped(take().length, error);
    }
  };

  const flush = async () => {
    while (collected.size > 0) {
      const restUntilMs = clock.monotonicMs() + APART_MS;
      await send();
      const restMs = restUntilMs - clock.monotonicMs();
      if (restMs > 0) await clock.sleep(restMs);
    }
    flushing = null;
  };

  return {
    notify(id) {
      if (isClosed) return observer.notificationsDropped(1, new Error("the server has stopped"));
      if (collected.size >= COLLECTED_IDS_MAX && !collected.has(id)) {
        return observer.notificationsDropped(1, new Error("too many notifications wait to be sent"));
      }
      collected.add(id);
      flushing ??= flush();
    },

    async probe(payload) {
      await run((connection) => connection.query(NOTIFY, [[payload]]));
    },

    async [Symbol.asyncDispose]() {
      isClosed = true;
      await flushing;
    },
  };
}
