/** The codes of google.rpc.Status by their numbers, from 0. */
const NAMES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** Those of errors. */
export const ERROR_CODE_NAMES: readonly string[] = NAMES.slice(1);

export function codeNumber(name: string): number | undefined {
  const number = NAMES.indexOf(name);
  return number > 0 ? number : undefined;
}

/** What somebody reported, in one line. */
export function statusText({ code, message }: { readonly code: number; readonly message: string }): string {
  const name = NAMES[code] ?? `code ${code}`;
  return message === "" ? name : `${name}: ${message}`;
}
