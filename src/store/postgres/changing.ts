import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import type { Connection } from "./connection.ts";
import { failureOf, unavailable } from "./errors.ts";

export interface ChangingDeps {
  /** Lends a connection. Rejects with what `work` threw, or with a `Fault` when there is none to be had. */
  readonly change: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
}

/**
 * Makes a change, again and again while somebody else's lock or change is in its way: then it was rolled back. Null from
 * `work`: it was overtaken.
 *
 * Throws what `work` threw at last; `Fault` DEADLINE_EXCEEDED when `deadline`, an instant of `Clock.monotonicMs()`, passed
 * and STORE_UNAVAILABLE when ten seconds did, before it was sent or before it was sent again.
 */
export type Changing = <T>(
  deadline: number | undefined,
  work: (connection: Connection) => Promise<T | null>,
) => Promise<T>;

/** Of a change that somebody else kept from being made. */
const TRIES_MAX = 5;
/** From the call on. Nothing that a person or a server waits for without a deadline of its own is worth more. */
const CHANGE_MS_MAX = 10_000;

export function createChanging({ change, clock }: ChangingDeps): Changing {
  return async (deadline = Number.POSITIVE_INFINITY, work) => {
    const lastMs = clock.monotonicMs() + CHANGE_MS_MAX;
    const inTime = async <T>(connection: Connection, send: (connection: Connection) => Promise<T>) => {
      const nowMs = clock.monotonicMs();
      if (nowMs >= deadline) throw new Fault("DEADLINE_EXCEEDED", "the deadline passed before the change was made");
      if (nowMs >= lastMs) throw unavailable(new Error(`a change was not made within ${CHANGE_MS_MAX} ms`));
      return send(connection);
    };
    for (let tries = 1; ; tries++) {
      try {
        const outcome = await change((connection) => inTime(connection, work));
        if (outcome !== null) return outcome;
        if (tries >= TRIES_MAX) throw unavailable(new Error("others made changes again and again"));
      } catch (thrown) {
        if (failureOf(thrown) !== "contended" || tries >= TRIES_MAX) throw thrown;
      }
    }
  };
}
