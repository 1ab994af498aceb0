import { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import {
  ExpiredError,
  FailedError,
  HoldfastError,
  LeaseLostError,
  OutcomeUnknownError,
  ResultUnavailableError,
  type Violation,
} from "../../../src/client/client.ts";
import { isWorthOneMore, retryDelayMs, toHoldfastError, toLeaseError } from "../../../src/client/wire-error.ts";

/** Of a driver: an error whose class the protocol names, and no client. */
export class Named extends Error {
  override readonly name = "Named";
  readonly error: string;

  constructor(error: string, message: string) {
    super(message);
    this.error = error;
  }
}

/** An answer as the vectors have it. */
export interface Answer {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs: number | null;
  readonly violations?: readonly Violation[];
}

/** As the client would get it from a server. */
export function wireError({ code, reason, retryAfterMs, violations = [] }: Answer): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "holdfast.v1" } };
  const seconds = BigInt(Math.floor((retryAfterMs ?? 0) / 1000));
  const retryDelay = { seconds, nanos: ((retryAfterMs ?? 0) % 1000) * 1_000_000 };
  return new ConnectError("as a server would answer", code, undefined, [
    ...(reason === "" ? [] : [info]),
    ...(retryAfterMs === null ? [] : [{ desc: RetryInfoSchema, value: { retryDelay } }]),
    ...(violations.length === 0 ? [] : [{ desc: BadRequestSchema, value: { fieldViolations: [...violations] } }]),
  ]);
}

export function retryOf(answer: Answer) {
  const error = wireError(answer);
  const delayMs = retryDelayMs(error);
  const again = delayMs !== null ? "while-time-lasts" : isWorthOneMore(error) ? "once" : "never";
  return { again, leastDelayMs: delayMs ?? 0 };
}

export function errorOf({ lease, ...answer }: Answer & { readonly lease?: boolean }) {
  const known = lease === true ? toLeaseError(wireError(answer)) : toHoldfastError(wireError(answer));
  return { violations: [], ...describeError(known) };
}

/** As the protocol tells it. */
export function describeError(error: unknown) {
  if (error instanceof Named) return { error: error.error, reason: "", message: error.message };
  // Of an input that has no canonical JSON, and of a call that no client takes.
  if (error instanceof TypeError) return { error: "InvalidInput", reason: "", message: error.message };
  const known = error instanceof ConnectError ? toHoldfastError(error) : error;
  if (!(known instanceof HoldfastError)) return { error: "Bug", reason: "", message: String(known) };
  const { reason, message, code, retryAfterMs, violations } = known;
  return {
    ...{ error: classOf(known), reason, message },
    ...(code !== undefined && { code }),
    retryAfterMs: retryAfterMs ?? null,
    ...(violations.length > 0 && { violations }),
    ...more(known),
  };
}

/** The protocol has the names of the classes, without a language's suffix. */
function classOf({ name }: HoldfastError): string {
  return name.replace(/Error$/, "");
}

function more(error: HoldfastError): object {
  if (error instanceof FailedError) return { why: error.failReason, attempt: error.attempt };
  if (error instanceof OutcomeUnknownError) return { why: error.evidence.reason, attempt: error.evidence.attempt };
  if (error instanceof LeaseLostError) return { why: error.why };
  if (error instanceof ResultUnavailableError) return { why: error.why };
  if (error instanceof ExpiredError) return { state: error.endState };
  return {};
}
