import type { Clock } from "../../clock.ts";
import type { StoreObserver } from "../observer.ts";
import type { OperatorStore } from "../operator-store.ts";
import { type Changing, createChanging } from "./changing.ts";
import type { Connection } from "./connection.ts";
import { failureOf, internal, unavailable } from "./errors.ts";
import { readHistory } from "./history.ts";
import { listRecords } from "./list.ts";
import { purgeRecords } from "./purge.ts";
import { releaseRecord } from "./release.ts";
import { resetRecord } from "./reset.ts";
import { resolveRecord } from "./resolve.ts";
import type { ServerTime } from "./server-time.ts";
import { createShares } from "./shares.ts";

/** Lends a connection. Rejects with what `work` threw, or with a `Fault` when there is none to be had. */
type Lend = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;

export interface OperatorsDeps {
  /** For lists and histories, whoever asks for them. */
  readonly look: Lend;
  /** For changes: those who may only look keep nobody from making one. */
  readonly change: Lend;
  readonly clock: Clock;
  readonly observer: Pick<StoreObserver, "statementDone">;
  readonly time: ServerTime;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/** Lists and histories of one tenant that are under way or wait: half of those that may, so that others come to it. */
export const LOOKS_OF_TENANT_MAX = 16;

/** The operators' part of the store, each call tried again while others are in its way. */
export function createOperators({ look, change, clock, observer, time, newToken }: OperatorsDeps): OperatorStore {
  const looking = createChanging({ change: look, clock });
  const changing = createChanging({ change, clock });
  const shares = createShares(LOOKS_OF_TENANT_MAX);

  /** `work` gives null when it was overtaken. */
  const run = async <T>(
    send: Changing,
    name: string,
    deadline: number,
    work: (connection: Connection) => Promise<T | null>,
  ) => {
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
      return await send(deadline, timed);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === "bug") throw error;
      throw failure === "poison" ? internal(error) : unavailable(error);
    }
  };

  return {
    list: (query, deadline) =>
      shares.of(query.tenant, () =>
        run(looking, "list", deadline, (connection) => listRecords(connection, query, time)),
      ),
    async history(query, deadline) {
      const read = () => run(looking, "history", deadline, (connection) => readHistory(connection, query, time));
      return (await shares.of(query.key.tenant, read)).history;
    },
    release: (call, deadline) =>
      run(changing, "release", deadline, (connection) => releaseRecord(connection, call, newToken(), time)),
    resolve: (call, deadline) =>
      run(changing, "resolve", deadline, (connection) => resolveRecord(connection, call, newToken(), time)),
    reset: (call, deadline) =>
      run(changing, "reset", deadline, (connection) => resetRecord(connection, call, newToken(), time)),
    purge: (call, deadline) => run(changing, "purge", deadline, (connection) => purgeRecords(connection, call, time)),
  };
}
