import { Client, DatabaseError, types } from "pg";
import type { Clock } from "../../clock.ts";
import { ConnectionLost } from "./errors.ts";
import { parseInstant } from "./instant.ts";

/** One database session. Statements are prepared under their name and sent one at a time. */
export interface Connection {
  query<Row>(
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
  ): Promise<readonly Row[]>;
}

/** A connection with its life cycle. */
export interface Session extends Connection {
  query<Row>(
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
    answerTimeoutMs?: number,
  ): Promise<readonly Row[]>;
  /** Resolves, never rejects, with the cause when the session is over, whoever ended it. */
  readonly over: Promise<Error>;
  /** Drops the socket. What was under way fails with ConnectionLost, and may or may not take effect. */
  drop(cause: Error): void;
  /** Says goodbye; for an idle session. */
  close(): Promise<void>;
}

export interface DatabaseAddress {
  /** A connection string, e.g. `postgresql://user:password@host:5432/database` or one with a socket directory as host. */
  readonly url: string;
  readonly connectTimeoutMs?: number;
}

export interface SessionDeps extends DatabaseAddress {
  readonly clock: Clock;
  /** A statement without an answer for so long is given up, and its socket with it. */
  readonly answerTimeoutMs?: number;
  /** Called with the payload of every notification that the session listens for. */
  readonly onNotification?: (payload: string) => void;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** Above statement_timeout, so that a healthy server always speaks first. */
const ANSWER_TIMEOUT_MS = 5_000;
const GOODBYE_MS = 500;
/** A reason of our own: without one, every statement would pay for a DOMException and its stack. */
const ANSWERED = new Error("answered");

/** The system's own default waits two hours before it asks whether the other side is still there. */
const KEEP_ALIVE_DELAY_MS = 10_000;

/**
 * What every session runs with. Times bound how long a statement whose caller has gone can still take effect, and how
 * long a row locked elsewhere holds up a batch. The planner must not join two lists row by row, which is what it chooses
 * on an empty or fresh table. The formats are those that the decoders below expect.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  lock_timeout: "1s",
  statement_timeout: "3s",
  // One that lies between two statements holds its locks, of the audit log too, for as long as the other side is silent.
  idle_in_transaction_session_timeout: "5s",
  idle_session_timeout: "0",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_mergejoin: "off",
  jit: "off",
  // A role may have warnings turned off; see `tellsOfDoubt`.
  client_min_messages: "warning",
  // The statements are planned for any number of rows. Left alone, the planner prices a batch by its arrays' lengths and
  // plans it anew each time: a millisecond that no batch gets back.
  plan_cache_mode: "force_generic_plan",
  timezone: "UTC",
  datestyle: "ISO, YMD",
  bytea_output: "hex",
};

const apply = {
  name: "holdfast_settings",
  text: "select set_config(s.name, s.value, false) from unnest($1::text[], $2::text[]) as s (name, value)",
};

const decoders: Readonly<Record<number, (text: string) => unknown>> = {
  [types.builtins.INT8]: BigInt,
  [types.builtins.TIMESTAMPTZ]: parseInstant,
};

/** Per client: the library's global table would change the decoding of every other user of `pg` in the process. */
const typeParsers = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    (format === "binary" ? undefined : decoders[oid]) ?? types.getTypeParser(oid, format),
};

function newClient({ url, connectTimeoutMs = CONNECT_TIMEOUT_MS }: DatabaseAddress): Client {
  return new Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: "holdfast",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    types: typeParsers,
  });
}

/**
 * Opens a session for the hot path.
 *
 * The settings go by `set_config` after connecting, not by the start-up packet's `options`: poolers refuse start-up
 * parameters that they do not track, and the connection with them. A pooler in transaction mode does not keep settings
 * either way; there they belong on the role (`alter role … set …`), and setting them here does no harm.
 */
export async function openSession(deps: SessionDeps): Promise<Session> {
  const client = newClient(deps);
  const session = overClient(client, deps.clock, deps.answerTimeoutMs ?? ANSWER_TIMEOUT_MS);
  const { onNotification } = deps;
  if (onNotification !== undefined) client.on("notification", ({ payload }) => onNotification(payload ?? ""));
  try {
    await client.connect();
    await session.query(apply, [Object.keys(SETTINGS), Object.values(SETTINGS)]);
    await applyConnectionCheck(session);
    return session;
  } catch (error) {
    session.drop(toError(error));
    throw error;
  }
}

/** Lets the server notice in mid-statement that we have gone. Not every platform that runs Postgres can poll for it. */
async function applyConnectionCheck(session: Session): Promise<void> {
  try {
    await session.query(apply, [["client_connection_check_interval"], ["1s"]]);
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === "22023")) throw error;
  }
}

/**
 * When the wait of a commit for its synchronous standby is cut short by pg_cancel_backend or pg_terminate_backend, the
 * statement succeeds, and a warning alone says that what it did may exist here and nowhere else. The code for that is
 * 01000, that of any warning without its own, or 57P01; its text is translated. Nothing else in our statements warns.
 */
function tellsOfDoubt({ code }: { readonly code?: string | undefined }): boolean {
  return code === "01000" || code === "57P01";
}

function overClient(client: Client, clock: Clock, defaultTimeoutMs: number): Session {
  const over = Promise.withResolvers<Error>();
  let lost: Error | null = null;
  let underWay = 0;

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
    if (underWay > 0 && tellsOfDoubt(notice)) drop(new Error(`committed here only, perhaps: ${notice.message}`));
  });

  return {
    over: over.promise,
    drop,

    async query<Row>(
      statement: { readonly name: string; readonly text: string },
      values: readonly unknown[],
      answerTimeoutMs = defaultTimeoutMs,
    ) {
      underWay++;
      const answered = new AbortController();
      void clock.sleep(answerTimeoutMs, answered.signal).then(
        () => drop(new Error(`no answer to ${statement.name} within ${answerTimeoutMs} ms`)),
        () => undefined,
      );
      try {
        // Resolves at ReadyForQuery, which the server sends after the commit.
        const { rows } = await client.query({ ...statement, values: [...values] });
        // A warning that loses the session comes in one packet with the answer, which is read all the same.
        if (lost === null) return rows as Row[];
      } catch (error) {
        if (error instanceof DatabaseError || lost === null) throw error;
      } finally {
        underWay--;
        answered.abort(ANSWERED);
      }
      throw new ConnectionLost(lost);
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
}

/**
 * Lends a client without the hot path's settings: migrations may take their time, and checks must see the defaults. The
 * signal drops its connection, in whatever it is; then this rejects with the signal's reason.
 */
export async function withClient<T>(
  address: DatabaseAddress & { readonly signal?: AbortSignal },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { signal } = address;
  signal?.throwIfAborted();
  const client = newClient(address);
  client.on("error", () => undefined); // What was under way fails by itself; an idle loss shows at the next query.
  const cutOff = () => client.connection.stream.destroy();
  signal?.addEventListener("abort", cutOff, { once: true });
  try {
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", cutOff);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
