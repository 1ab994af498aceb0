import { StartupError } from "../store/postgres/startup.ts";
import { type Address, formatAddress } from "./config/kinds.ts";
import { EmbeddedPostgresError } from "./embedded-postgres/error.ts";

/** What the person who started us can mend. The message says what it is and how; a stack would only bury it. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

export function isOperatorError(error: unknown): error is Error {
  return [OperatorError, StartupError, EmbeddedPostgresError].some((known) => error instanceof known);
}

/** By the text, for the gRPC library hands on the system's error in no other way. */
export function cannotListen(address: Address, flag: "grpc-address" | "http-address", cause: Error): OperatorError {
  const where = formatAddress(address);
  const message = /\bEADDRINUSE\b/.test(cause.message)
    ? `something else listens on ${where}; choose another address with --${flag}`
    : `cannot listen on ${where} (--${flag}): ${cause.message}`;
  return new OperatorError(message, { cause });
}

/** `database` is without its password. */
export function cannotReach(database: string, cause: unknown): OperatorError {
  return new OperatorError(`cannot reach the database ${database}: ${reasonOf(cause)}`, { cause });
}

/** A name with several addresses fails once for each, and the error that holds them all has no text of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
