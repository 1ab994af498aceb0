import { type DestinationStream, type Level, type Logger, pino } from "pino";

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
}

/** JSON, one object per line. A value cannot begin a line of its own: JSON writes a line break as two characters. */
export function createLog({ level, destination }: LogOptions): Log {
  const logger: Logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: loggedError },
      messageKey: "message",
    },
    destination,
  );
  return logger;
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, isLevelEnabled: () => false };

/**
 * Errors of the database are cut down to what names them: their message, detail and position can quote a row or a
 * parameter. Other errors are ours or the runtime's and keep message and stack.
 */
export function loggedError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, severity, routine, constraint, table } = error as Error & Record<string, unknown>;
  if (severity !== undefined) return { name: "DatabaseError", code, severity, routine, constraint, table };
  return {
    name: error.name,
    code,
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: loggedError(error.cause) }),
  };
}
