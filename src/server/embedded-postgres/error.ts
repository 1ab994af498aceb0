/**
 * Why there is no embedded database. The message is written for the person who gave the command: it names what was
 * found and what to do, and can be printed without a stack.
 */
export class EmbeddedPostgresError extends Error {
  readonly code:
    | "NO_BINARIES"
    | "BINARIES_UNUSABLE"
    | "DIRECTORY_UNUSABLE"
    | "WRONG_MAJOR"
    | "DIRECTORY_BUSY"
    | "START_FAILED"
    | "STOP_FAILED";

  constructor(code: EmbeddedPostgresError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EmbeddedPostgresError";
    this.code = code;
  }
}
