import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import {
  HoldfastError,
  type HoldfastErrorInit,
  LeaseLostError,
  type LeaseLostWhy,
  TokenUnavailableError,
  TransportError,
} from "./errors.ts";
import { REASON_CLASSES } from "./reason-classes.ts";

const DOMAIN = "holdfast.v1";
/** What the client says itself of a credential that could not be fetched. */
const TOKEN_UNAVAILABLE = "TOKEN_UNAVAILABLE";

/** What a failed call says about the lease it was made with. */
const LEASE_LOST = new Map<string, LeaseLostWhy>([
  ["LEASE_SUPERSEDED", "superseded"],
  ["LEASE_TOKEN_INVALID", "token-invalid"],
  ["INVALID_STATE", "invalid-state"],
  ["RECORD_NOT_FOUND", "record-not-found"],
]);

/**
 * A failed call of `client.rpc` with its reason, violations and retry delay decoded: of the reason's own class, or a
 * TransportError where no server of Holdfast has given one. A reason that is newer than this client keeps its name, and
 * is a HoldfastError.
 */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const wire = ConnectError.from(error);
  const init = describe(wire);
  const message = `${init.reason || Code[wire.code]}: ${wire.rawMessage}`;
  if (init.reason === "") return new TransportError(message, init);
  if (init.reason === TOKEN_UNAVAILABLE) return new TokenUnavailableError(message, init);
  const Reason = REASON_CLASSES.get(init.reason) ?? HoldfastError;
  return new Reason(message, init);
}

/** The same for a call that was made with a lease: what says that the lease is lost becomes a LeaseLostError. */
export function toLeaseError(error: unknown): HoldfastError {
  const known = toHoldfastError(error);
  const why = LEASE_LOST.get(known.reason);
  return why === undefined ? known : new LeaseLostError(why, known.message, known);
}

/** Whether the same call can help later, and after which delay at least. Null when it cannot. */
export function retryDelayMs(error: unknown): number | null {
  const { code, reason, retryAfterMs } = describe(ConnectError.from(error));
  if (retryAfterMs !== undefined) return retryAfterMs;
  // Every method may be repeated, so whether the lost call took effect does not matter. A call that this client gives
  // up is not asked about here: one that is cancelled all the same was cancelled by something between.
  if (code === Code.Unavailable || code === Code.DeadlineExceeded || code === Code.Canceled) return 0;
  // So connect-node calls a connection that was reset, by a server that goes say; ours gives a reason when it aborts.
  return code === Code.Aborted && reason === "" ? 0 : null;
}

/** A bug of the server, or of something between: worth one more call, and no third. */
export function isWorthOneMore(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.Internal || code === Code.Unknown;
}

/** Whether more calls of the kind can be answered otherwise; if not, this is the server's last word. */
export function isWorthRepeating(error: unknown): boolean {
  return retryDelayMs(error) !== null || isWorthOneMore(error);
}

/**
 * Whether no server was reached, or one that could do nothing without its database, or no more: so nothing is said about
 * the record, nor about who asks. A refusal is none, whatever it says, and neither is a token that could not be fetched.
 */
export function isUnavailable(error: unknown): boolean {
  const { code, reason } = toHoldfastError(error);
  if (!UNAVAILABLE_REASONS.has(reason)) return false;
  switch (code) {
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Canceled:
    // A connection that was reset, as connect-node has it.
    case Code.Aborted:
      return true;
    default:
      return false;
  }
}

/** Without a reason it was something between. */
const UNAVAILABLE_REASONS: ReadonlySet<string> = new Set(["", "STORE_UNAVAILABLE", "DRAINING", "DEADLINE_EXCEEDED"]);

/** Whether the server may have done what was asked, without the client hearing of it. */
export function mayHaveTakenEffect(error: unknown): boolean {
  // Also where the server itself says so: it may have lost its database's answer to a commit. What is out of resources
  // has refused before doing anything, and is not asked again for the sake of a caller who has gone.
  return isWorthRepeating(error) && ConnectError.from(error).code !== Code.ResourceExhausted;
}

function describe(error: ConnectError): HoldfastErrorInit & { readonly reason: string } {
  const info = error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === DOMAIN);
  const retry = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  return {
    reason: info?.reason ?? "",
    code: error.code,
    retryAfterMs: retry && durationMs(retry),
    violations: violations.map(({ field, description }) => ({ field, description })),
    cause: error,
  };
}
