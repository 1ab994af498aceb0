import { DatabaseError } from "pg";
import { Fault } from "../../domain/fault.ts";

/** The session ended while a statement was under way: whether it took effect is not known. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";

  constructor(cause: Error) {
    super("the connection was lost", { cause });
  }
}

/** A later statement of a batch failed after an earlier one had committed: what that one did stays done. */
export class HalfDone extends Error {
  override readonly name = "HalfDone";

  constructor(cause: unknown) {
    super("a part of the batch was committed", { cause });
  }
}

/** What was committed may not have reached the standby, and nothing may be answered before that is known. */
export class NotDurableYet extends Error {
  override readonly name = "NotDurableYet";

  constructor() {
    super("the durability barrier has not returned yet");
  }
}

/** The database must not be used: a standby, another cluster, or a primary from before a failover. */
export class WrongPrimary extends Error {
  override readonly name = "WrongPrimary";
}

/** A value cannot be written as what its column holds; as text, Postgres would have refused it. */
export class NotStorable extends Error {
  override readonly name = "NotStorable";
  readonly code = "22P03"; // invalid_binary_representation
}

/**
 * What an error of a statement asks for.
 *
 * - `contended`: rolled back because of somebody else; the same again can succeed
 * - `lost`: the session is over or of no more use; the same on a new one
 * - `not-primary`: as lost, and every other session is as bad
 * - `poison`: rolled back, or not sent, because of one row's data
 * - `exhausted`: the server is short of something; the same later
 * - `bug`: neither again nor later
 */
export type Failure = "contended" | "lost" | "not-primary" | "poison" | "exhausted" | "bug";

const EXACT: Readonly<Record<string, Failure>> = {
  "40001": "contended", // serialization_failure
  "40P01": "contended", // deadlock_detected
  "55P03": "contended", // lock_not_available: lock_timeout
  "25006": "not-primary", // read_only_sql_transaction
  // These end the session while a statement runs, so they are its loss, not a shortage. 57P03 comes while connecting.
  "57P01": "lost", // admin_shutdown: also pg_terminate_backend
  "57P02": "lost", // crash_shutdown
  "57P03": "lost", // cannot_connect_now
  "57P04": "lost", // database_dropped
  "57P05": "lost", // idle_session_timeout
  "57014": "exhausted", // query_canceled: statement_timeout
  // The session's prepared statements and the server's no longer agree; a new session has none.
  "26000": "lost", // invalid_sql_statement_name
  "42P05": "lost", // duplicate_prepared_statement
  "0A000": "lost", // feature_not_supported: "cached plan must not change result type", after a migration
};

const CLASSES: Readonly<Record<string, Failure>> = {
  "08": "lost", // connection exception
  "22": "poison", // data exception
  "23": "poison", // integrity constraint violation
  "54": "poison", // program limit exceeded
  "53": "exhausted", // insufficient resources: disk full, out of memory, too many connections
  "58": "exhausted", // system error, outside Postgres
};

export function failureOf(error: unknown): Failure {
  if (error instanceof HalfDone) return failureOf(error.cause);
  if (error instanceof ConnectionLost) return "lost";
  const state = sqlState(error);
  if (state === undefined) return "bug";
  return EXACT[state] ?? CLASSES[state.slice(0, 2)] ?? "bug";
}

function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError || error instanceof NotStorable ? error.code : undefined;
}

/** While connecting: nobody there, no way there, or no such name, which may be a name that is not known yet. */
const NO_ANSWER: ReadonlySet<string> = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"],
  ...["EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN"],
]);

/** Starting or stopping, a connection that broke, no room, somebody's lock. Poolers without a server say 08P01. */
const PASSING = /^(57P0[123]|08...|53...|40001|40P01|55P03)$/;

/** What the driver says without a code. */
const CUT_OFF = /^(timeout expired|Connection terminated)/;

/**
 * The database is not there, or not yet, or has no room: nothing is known to be wrong with it, and the same later may
 * succeed. A login that is refused, a standby, a setting: all that somebody has to mend is something else.
 */
export function isAbsence(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isAbsence);
  if (error instanceof DatabaseError) return PASSING.test(error.code ?? "");
  if (error instanceof ConnectionLost || error instanceof NotDurableYet) return true;
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  // Of a socket in a directory, where nobody listens yet; of a file it is a mistake.
  if (code === "ENOENT") return syscall === "connect";
  if (code !== undefined && NO_ANSWER.has(code)) return true;
  return CUT_OFF.test(error.message) || (error.cause !== undefined && isAbsence(error.cause));
}

/** There is no room on its disk for anything more; what is there can be read, and much of it written over. */
export function isDiskFull(error: unknown): boolean {
  return sqlState(error) === "53100";
}

/** The role lacks a right. */
export function isDenied(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code === "42501";
}

/** For the observer: a SQLSTATE or "connection". */
export function causeName(error: unknown): string {
  return sqlState(error) ?? "connection";
}

/** The same call again settles what became of it; see `Store` and `OperatorStore`. */
export function unavailable(cause: unknown, retryAfterMs = 250): Fault {
  return new Fault("STORE_UNAVAILABLE", "The store does not answer.", { cause, retryAfterMs });
}

/** An error that is not of our making goes up as it is, and becomes INTERNAL there. */
export function internal(cause: unknown): Fault {
  return new Fault("INTERNAL", "Internal error.", { cause });
}
