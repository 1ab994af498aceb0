import { type DestinationStream, type Level, type Logger, pino } from "pino";
import { Fault } from "../domain/fault.ts";
import { isAbsence, WrongPrimary } from "../store/postgres/errors.ts";
import { NotHeard } from "../waiting/listener.ts";

/** What goes beside the message of an event: numbers and words of ours, never what a caller sent. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One line per event. The message is a constant; what varies is in the fields. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** Asked on the hot path, so that the fields of a line that nobody wants are not even made. */
  isLevelEnabled(level: "debug"): boolean;
}

export interface LogOptions {
  readonly level: Level;
  readonly destination: DestinationStream;
  /** In every line. */
  readonly base?: LogFields;
}

/** JSON, one object per line. A value cannot begin a line of its own: JSON writes a line break as two characters. */
export function createLog({ level, destination, base }: LogOptions): Log {
  const logger: Logger = pino(
    {
      level,
      base: base ?? null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error) => loggedError(error, level === "debug" || level === "trace") },
      messageKey: "message",
    },
    destination,
  );
  return logger;
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, isLevelEnabled: () => false };

/**
 * Errors of the database whose message may quote a row or a parameter are cut down to what names them; of all of them
 * detail, position and context are left out. Others are ours or the runtime's and keep their message. Where in the code
 * it was met says something only of what nobody expected: an outage is told without its stack, unless `stacks`.
 */
export function loggedError(error: unknown, stacks = false): LogFields {
  return logged(error, stacks, false);
}

function logged(error: unknown, stacks: boolean, ofOutage: boolean): LogFields {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, severity, routine, constraint, table } = error as Error & Record<string, unknown>;
  if (severity !== undefined) {
    const message = QUOTES_NOTHING.test(String(code)) ? { message: error.message } : {};
    return { name: "DatabaseError", code, severity, ...message, routine, constraint, table };
  }
  const outage = isOutage(error) || (ofOutage && !isMistake(error));
  return {
    name: error.name,
    code,
    message: messageOf(error),
    ...(stacks || !outage ? { stack: error.stack } : {}),
    ...(error.cause === undefined ? {} : { cause: logged(error.cause, stacks, outage) }),
  };
}

/**
 * SQLSTATEs whose messages speak of the connection, the login, the server, locks and objects of the schema, and never of
 * values.
 */
const QUOTES_NOTHING = /^((08|25|26|28|3D|40|53|55|57|58)...|0A000|42501|42703|42883|42P01|42P05)$/;

/** A refusal, or a database that is not there or must not be used: foreseen, and told by its message. */
function isOutage(error: Error): boolean {
  if (error instanceof Fault) return error.code !== "INTERNAL";
  return isAbsence(error) || error instanceof WrongPrimary || error instanceof NotHeard;
}

/** Also as the cause of an outage a mistake of ours is none. */
function isMistake({ name, message }: Error): boolean {
  return name !== "Error" ? /^(Type|Range|Reference|Syntax)Error$/.test(name) : message.startsWith("bug: ");
}

/** A name with several addresses fails once for each, and the error that holds them all has no text of its own. */
function messageOf(error: Error): string {
  if (error.message !== "" || !(error instanceof AggregateError)) return error.message;
  return error.errors.map((one) => (one instanceof Error ? messageOf(one) : String(one))).join("; ");
}
