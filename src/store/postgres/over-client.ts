import { type Client, DatabaseError } from "pg";
import type { Session, SessionDeps } from "./connection.ts";
import { ConnectionLost } from "./errors.ts";
import { createGuardedSend, Elsewhere } from "./guarded-query.ts";

/** Above statement_timeout, so that a healthy server always speaks first. */
const ANSWER_TIMEOUT_MS = 5_000;
const GOODBYE_MS = 500;
/** A reason of our own: without one, every statement would pay for a DOMException and its stack. */
const ANSWERED = new Error("answered");

/**
 * When the wait of a commit for its synchronous standby is cut short by pg_cancel_backend or pg_terminate_backend, the
 * statement succeeds, and a warning alone says that what it did may exist here and nowhere else. The code for that is
 * 01000, that of any warning without its own, or 57P01; its text is translated. Nothing else in our statements warns.
 */
function tellsOfDoubt({ code }: { readonly code?: string | undefined }): boolean {
  return code === "01000" || code === "57P01";
}

function createSend(client: Client) {
  return async <Row>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) => {
    const { rows } = await client.query({ ...statement, values: [...values] });
    return rows as Row[];
  };
}

export interface OverClient {
  readonly session: Session;
  /** Nothing is under way, and it is not over. */
  isIdle(): boolean;
}

/** A session over a client that is yet to be connected. */
export function overClient(client: Client, deps: SessionDeps): OverClient {
  const { clock, answerTimeoutMs: defaultTimeoutMs = ANSWER_TIMEOUT_MS } = deps;
  const send = deps.pooled ? createGuardedSend(client, { allowUnsafe: deps.allowUnsafe ?? false }) : createSend(client);
  const over = Promise.withResolvers<Error>();
  let lost: Error | null = null;
  /** What begins the time of each statement under way, in the order in which they are run. */
  const underWay = new Set<() => void>();

  const lose = (cause: Error) => {
    lost ??= cause;
    over.resolve(lost);
  };
  // Stays attached for good: an 'error' without a listener ends the process.
  client.on("error", lose);
  client.on("end", () => lose(new Error("the server closed the connection")));

  const drop = (cause: Error) => {
    lose(cause);
    // Never a CancelRequest: a commit whose wait for a standby is cancelled is visible here and nowhere else.
    client.connection.stream.destroy();
  };

  client.on("notice", (notice) => {
    // While connecting, a server may warn of what is no business of ours, such as the version of a collation.
    if (underWay.size > 0 && tellsOfDoubt(notice)) drop(new Error(`committed here only, perhaps: ${notice.message}`));
  });

  const session: Session = {
    over: over.promise,
    drop,

    async query<Row>(
      statement: { readonly name: string; readonly text: string },
      values: readonly unknown[],
      answerTimeoutMs = defaultTimeoutMs,
    ) {
      const answered = new AbortController();
      const beginTime = () =>
        void clock.sleep(answerTimeoutMs, answered.signal).then(
          () => drop(new Error(`no answer to ${statement.name} within ${answerTimeoutMs} ms`)),
          () => undefined,
        );
      // One that is sent behind others is not run before they have been answered.
      if (underWay.add(beginTime).size === 1) beginTime();
      try {
        // Resolves at ReadyForQuery, which the server sends after the commit.
        const rows = await send<Row>(statement, values);
        // A warning that loses the session comes in one packet with the answer, which is read all the same.
        if (lost === null) return rows;
      } catch (error) {
        if (error instanceof Elsewhere) drop(error);
        else if (error instanceof DatabaseError || lost === null) throw error;
      } finally {
        answered.abort(ANSWERED);
        const [first] = underWay;
        underWay.delete(beginTime);
        const [next] = underWay;
        if (first === beginTime) next?.();
      }
      throw new ConnectionLost(lost ?? new Error("bug: nobody said why"));
    },

    async close() {
      lost ??= new Error("closed");
      const late = new AbortController();
      void clock.sleep(GOODBYE_MS, late.signal).then(
        () => drop(new Error("closed without an answer")),
        () => undefined,
      );
      await client.end().finally(() => late.abort());
      over.resolve(lost);
    },
  };
  return { session, isIdle: () => underWay.size === 0 && lost === null };
}
