import { Client, DatabaseError, types } from "pg";
import type { Clock } from "../../clock.ts";
import { parseInstant } from "./instant.ts";
import { overClient } from "./over-client.ts";
import { SESSION_SETTINGS } from "./session-settings.ts";

/** One database session. Statements are run one at a time, and prepared under their name unless a pooler is before it. */
export interface Connection {
  query<Row>(
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
  ): Promise<readonly Row[]>;
}

/** A connection with its life cycle. One server answers for as long as it lasts, started once. */
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
  /** Asked for each new connection; absent: the one in the URL, if any. */
  readonly password?: () => Promise<string>;
  /** A pooler is before it that lends a connection for one transaction. */
  readonly pooled?: boolean;
  /** A crash may lose what was acknowledged; what a pooler lends is not looked at for that then. */
  readonly allowUnsafe?: boolean;
  readonly connectTimeoutMs?: number;
}

export interface SessionDeps extends DatabaseAddress {
  readonly clock: Clock;
  /** A statement without an answer for so long is given up, and its socket with it. */
  readonly answerTimeoutMs?: number;
  /** A statement is sent at once, also while others are under way; without it, when they have been answered. */
  readonly pipelined?: boolean;
  /** Called with the payload of every notification that the session listens for. */
  readonly onNotification?: (payload: string) => void;
}

const CONNECT_TIMEOUT_MS = 2_000;

/** The system's own default waits two hours before it asks whether the other side is still there. */
const KEEP_ALIVE_DELAY_MS = 10_000;

const apply = {
  name: "holdfast_settings",
  text: "select set_config(s.name, s.value, false) from unnest($1::text[], $2::text[]) as s (name, value)",
};

/**
 * The C library of most servers gives memory that is freed at the end of the heap back to the system, and every statement
 * fetches it again page by page: a hundred microseconds of the processor. It keeps twice as much as the largest block that
 * was ever freed, so one block is.
 */
const keepMemory = { name: "holdfast_memory", text: "select length(repeat('x', $1::int)) as kept" };
const KEPT_BYTES = 1024 * 1024;

/** Says nothing: it is the guard before it that is asked. */
const LOOK = { name: "holdfast_look", text: "select" };
const LOOK_INTERVAL_MS = 1_000;

const decoders: Readonly<Record<number, (text: string) => unknown>> = {
  [types.builtins.INT8]: BigInt,
  [types.builtins.TIMESTAMPTZ]: parseInstant,
};

/** Per client: the library's global table would change the decoding of every other user of `pg` in the process. */
const typeParsers = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    (format === "binary" ? undefined : decoders[oid]) ?? types.getTypeParser(oid, format),
};

async function newClient(
  { url, password, connectTimeoutMs = CONNECT_TIMEOUT_MS }: DatabaseAddress,
  pipeline = false,
): Promise<Client> {
  // Before the time for connecting begins: whoever tells it may take longer.
  const secret = await password?.();
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: "holdfast",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    types: typeParsers,
    pipeline,
  });
  // Given to the constructor it would yield to the URL's, also where that has none.
  if (secret !== undefined) client.password = secret;
  return client;
}

/**
 * Opens a session for the hot path.
 *
 * The settings go by `set_config` after connecting, not by the start-up packet's `options`: poolers refuse start-up
 * parameters that they do not track, and the connection with them. Behind a pooler in transaction mode the role has them;
 * whoever is lent a connection without them goes without a session.
 */
export async function openSession(deps: SessionDeps): Promise<Session> {
  const client = await newClient(deps, deps.pipelined);
  const { session, isIdle } = overClient(client, deps);
  const { onNotification } = deps;
  if (onNotification !== undefined) client.on("notification", ({ payload }) => onNotification(payload ?? ""));
  try {
    await client.connect();
    if (deps.pooled) {
      await session.query(LOOK, []);
      void keepLooking(session, isIdle, deps.clock);
      return session;
    }
    await session.query(apply, [Object.keys(SESSION_SETTINGS), Object.values(SESSION_SETTINGS)]);
    await applyConnectionCheck(session);
    await session.query(keepMemory, [KEPT_BYTES]);
    return session;
  } catch (error) {
    session.drop(toError(error));
    throw error;
  }
}

/**
 * What becomes of the server behind a pooler is told to nobody who has nothing under way: one that lies idle would be
 * taken for open while there is no database, or another one.
 */
async function keepLooking(session: Session, isIdle: () => boolean, clock: Clock): Promise<void> {
  const ended = new AbortController();
  void session.over.then(() => ended.abort());
  while (!ended.signal.aborted) {
    await clock.sleep(LOOK_INTERVAL_MS, ended.signal).catch(() => undefined);
    if (!ended.signal.aborted && isIdle()) await session.query(LOOK, []).catch((error) => session.drop(toError(error)));
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
 * Lends a client without the hot path's settings: migrations may take their time, and checks must see the defaults. The
 * signal drops its connection, in whatever it is; then this rejects with the signal's reason.
 */
export async function withClient<T>(
  address: DatabaseAddress & { readonly signal?: AbortSignal },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { signal } = address;
  signal?.throwIfAborted();
  const client = await newClient(address);
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
