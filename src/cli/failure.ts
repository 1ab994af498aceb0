import { Code, ConnectError } from "@connectrpc/connect";
import { HoldfastError } from "../client/errors.ts";
import { toHoldfastError } from "../client/wire-error.ts";
import { formatAddress } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { type CallerTlsSettings, wantsTls } from "./caller-tls.ts";
import { explainConnection, type FailedConnection } from "./connection-failure.ts";
import { EXIT, EXIT_BY_REASON, type ExitCode } from "./exit-codes.ts";

export type CallerSettings = CallerTlsSettings & Pick<Config, "server" | "apiKey" | "timeoutMs">;

/** What to do next, by the reason that a server gave; and what to say instead of the server's own sentence. */
export type NextSteps = Readonly<Record<string, string | NextStep>>;

export interface NextStep {
  /** Made of the server's own, where it is a function. */
  readonly sentence: string | ((said: string) => string);
  readonly step: string;
}

/** What failed and what to do next, in one sentence, and the exit code for it. */
export interface Failure {
  readonly sentence: string;
  readonly code: ExitCode;
}

const NEXT = {
  CREDENTIALS_INVALID: "give an API key with --api-key or HOLDFAST_API_KEY",
  ROLE_REQUIRED: "use an API key that has it",
} satisfies NextSteps;

export function explainFailure(error: unknown, settings: CallerSettings, next: NextSteps): Failure {
  const wire = wireOf(error);
  if (wire === null && !(error instanceof HoldfastError)) {
    return { sentence: error instanceof Error ? error.message : String(error), code: EXIT.failed };
  }
  const failure = toHoldfastError(error);
  const { reason } = failure;
  // No word of a server of ours: it was the transport, or something between.
  if (wire !== null && reason === "") return { sentence: withoutReason(wire, settings), code: codeOf(wire) };
  const known = next[reason] ?? (NEXT as NextSteps)[reason] ?? laterStep(failure);
  const said = wire?.rawMessage ?? failure.message;
  const { sentence, step } = typeof known === "object" ? known : { sentence: said, step: known };
  const told = typeof sentence === "function" ? sentence(said) : sentence;
  return { sentence: `${told} (${reason})${step === undefined ? "" : `; ${step}`}`, code: codeOfReason(reason) };
}

/** Whether a change was made is not known: the answer was lost, or the server does not know either. */
export function isInDoubt(error: unknown): boolean {
  const wire = wireOf(error);
  return wire !== null && codeOf(wire) === EXIT.noAnswer && !isNotSent(wire);
}

/** What the call's transport, or the server, answered; null when it was something else that failed. */
function wireOf(error: unknown): ConnectError | null {
  if (error instanceof ConnectError) return error;
  return error instanceof HoldfastError && error.cause instanceof ConnectError ? error.cause : null;
}

/** Nothing listens there, so nothing was done. */
function isNotSent({ rawMessage }: ConnectError): boolean {
  return /\b(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)\b|Name resolution failed/.test(rawMessage);
}

function codeOf(wire: ConnectError): ExitCode {
  const { reason } = toHoldfastError(wire);
  if (reason !== "") return codeOfReason(reason);
  switch (wire.code) {
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Unimplemented:
      return EXIT.noAnswer;
    case Code.Unauthenticated:
    case Code.PermissionDenied:
      return EXIT.notAllowed;
    default:
      return EXIT.failed;
  }
}

/** A newer server may have reasons that this program does not know. */
function codeOfReason(reason: string): ExitCode {
  return (EXIT_BY_REASON as Readonly<Record<string, ExitCode>>)[reason] ?? EXIT.failed;
}

function laterStep({ retryAfterMs }: HoldfastError): string | undefined {
  return retryAfterMs === undefined ? undefined : `try again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s`;
}

function withoutReason({ code, rawMessage }: ConnectError, settings: CallerSettings): string {
  const address = formatAddress(settings.server);
  const elsewhere = "another server is named with --server or HOLDFAST_SERVER";
  switch (code) {
    case Code.Unavailable:
      return `no answer from ${address}: ${explainConnection({ ...triedBy(settings), message: rawMessage, elsewhere })}`;
    case Code.DeadlineExceeded:
      return `no answer from ${address} within ${settings.timeoutMs} ms (--timeout); ${elsewhere}`;
    case Code.Unauthenticated:
      return `${address} wants to know who calls: ${NEXT.CREDENTIALS_INVALID}`;
    case Code.Unimplemented:
      return `what listens on ${address} has no AdminService of Holdfast; ${elsewhere}`;
    default:
      return `${address} answered ${Code[code]}: ${rawMessage}`;
  }
}

function triedBy(settings: CallerSettings): Omit<FailedConnection, "message" | "elsewhere"> {
  const { server, tlsCa } = settings;
  return { speaks: "gRPC", host: server.host, secure: wantsTls(settings), hasAuthorities: tlsCa !== null };
}
