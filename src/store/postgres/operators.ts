import type { Clock } from "../../clock.ts";
import type { StoreObserver } from "../observer.ts";
import type { OperatorStore } from "../operator-store.ts";
import { createChanging } from "./changing.ts";
import type { Connection } from "./connection.ts";
import { failureOf, internal, unavailable } from "./errors.ts";
import { readHistory } from "./history.ts";
import { listRecords } from "./list.ts";
import { purgeRecords } from "./purge.ts";
import { releaseRecord } from "./release.ts";
import { resetRecord } from "./reset.ts";
import { resolveRecord } from "./resolve.ts";
import type { ServerTime } from "./server-time.ts";

export interface OperatorsDeps {
  /** Lends a connection. Rejects with what `work` threw, or with a `Fault` when there is none to be had. */
  readonly lane: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly observer: Pick<StoreObserver, "statementDone">;
  readonly time: ServerTime;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/** The operators' part of the store: one call at a time, each tried again while others are in its way. */
export function createOperators({ lane, clock, observer, time, newToken }: OperatorsDeps): OperatorStore {
  const changing = createChanging({ change: lane, clock });

  /** `work` gives null when it was overtaken. */
  const run = async <T>(name: string, deadline: number, work: (connection: Connection) => Promise<T | null>) => {
    const timed = async (connection: Connection) => {
      const startedAt = clock.monotonicMs();
      let outcome: "ok" | "error" = "error";
      try {
        const answer = await work(connection);
        outcome = "ok";
        return answer;
      } finally {
        observer.statementDone(name, clock.monotonicMs() - startedAt, outcome);
      }
    };
    try {
      return await changing(deadline, timed);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === "bug") throw error;
      throw failure === "poison" ? internal(error) : unavailable(error);
    }
  };

  return {
    list: (query, deadline) => run("list", deadline, (connection) => listRecords(connection, query, time)),
    async history(key, deadline) {
      const { history } = await run("history", deadline, (connection) => readHistory(connection, key, time));
      return history;
    },
    release: (call, deadline) =>
      run("release", deadline, (connection) => releaseRecord(connection, call, newToken(), time)),
    resolve: (call, deadline) =>
      run("resolve", deadline, (connection) => resolveRecord(connection, call, newToken(), time)),
    reset: (call, deadline) => run("reset", deadline, (connection) => resetRecord(connection, call, newToken(), time)),
    purge: (call, deadline) => run("purge", deadline, (connection) => purgeRecords(connection, call, time)),
  };
}
