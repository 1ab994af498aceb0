import { Code } from "@connectrpc/connect";
import type { ErrorReason } from "../../gen/holdfast/v1/errors_pb.ts";

/** A reason that a server gives. */
type ServerReason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

/** A reason of the client itself. */
type OwnReason =
  | "ANSWER_INCOMPLETE"
  | "ATTEMPT_ENDED"
  | "CIRCUIT_OPEN"
  | "CLOSED"
  | "EXPIRED"
  | "FAILED"
  | "HOOK_FAILED"
  | "LEASE_EXPIRED"
  | "OUTCOME_UNKNOWN"
  | "RESULT_UNAVAILABLE"
  | "TIMEOUT"
  | "TOKEN_UNAVAILABLE"
  | "UNPROTECTED";

const LATER = "Call again later: `retryAfterMs` says when.";
const STOP = "Stop: somebody else may be working. The next call gets what became of it.";
const SUPPORT = "Nothing that a caller can mend: give the operator of the server the request id in the message.";
const SMALLER = "Store less: keep the bytes elsewhere, and a reference to them.";
const TENANT = "Ask the operator of the server about the tenant; results that are stored are replayed meanwhile.";
const ROOM = "Have the operator raise the tenant's quota, or shorten the retentions; replays go on.";
const ANOTHER = "Name another one, or take it from the tenant that has it first.";

/** What to do, by the reason. Total over the reasons of errors.proto: a new one does not compile without a word here. */
export const REMEDIES: Readonly<Record<ServerReason | OwnReason, string>> = {
  FIELD_INVALID: "Mend what `violations` names; the same call is refused again.",
  DURATION_OUT_OF_RANGE: "Stay within the bounds that `violations` names.",
  FINGERPRINT_MISMATCH:
    "A bug of the caller: give other work another key, or the same work the same input. Never retry.",
  RECORD_EXISTS:
    'The work was claimed before: look at it with `result` or `waitFor`, or call without `reuse: "reject"`.',
  LEASE_SUPERSEDED: STOP,
  LEASE_TOKEN_INVALID: "Use the handle as the claim gave it: this token is of no attempt of the record.",
  RESULT_CONFLICT: "Two ends of one attempt differ: end each attempt once, with one result.",
  CLAIM_ENDED: "Claim again with another claim_id; `once` does so by itself.",
  INVALID_STATE: "Look at the record: what it is by now does not allow the call.",
  RESULT_TOO_LARGE: SMALLER,
  CHECKPOINT_TOO_LARGE: SMALLER,
  ERROR_TOO_LARGE: "Shorten the error.",
  RECORD_NOT_FOUND: "Check tenant, scope and key; a record that was purged, or has outlived its retentions, is gone.",
  TENANT_FORBIDDEN: "Check `tenant`, and that the credential is of that tenant.",
  TENANT_NOT_FOUND: "Check `tenant`, or register it.",
  TENANT_PENDING: LATER,
  TENANT_DISABLED: TENANT,
  TENANT_DRAINING: TENANT,
  TENANT_UNVERIFIED: TENANT,
  CREDENTIALS_INVALID: "Check `apiKey` or `token`: it is missing, mistyped, expired or revoked, or another server's.",
  ROLE_REQUIRED: "Use a credential that has the role.",
  QUOTA_NEW_RECORDS: LATER,
  QUOTA_LIVE_RECORDS: ROOM,
  QUOTA_BYTES: ROOM,
  QUOTA_LEASES: "Run less at a time, or have the operator raise the tenant's quota.",
  QUOTA_WAITERS: LATER,
  STORE_UNAVAILABLE: "The server's database is away; the client has tried for `retry.totalTimeoutMs`. Call again.",
  DRAINING: "The server shuts down: call again, and give the client the `addresses` of more than one server.",
  OVERLOADED: LATER,
  INTERNAL: SUPPORT,
  DEADLINE_EXCEEDED: "The same call is safe to repeat. If it happens often, look at the server, or raise `retry`.",
  CANCELLED: "The same call is safe to repeat.",
  TENANT_EXISTS: "Name another id, or change the tenant that is there.",
  HOST_TAKEN: ANOTHER,
  ISSUER_TAKEN: ANOTHER,
  TENANT_CHANGED: "Read the tenant again, and apply the change to what it is now.",
  VALIDATION_REFUSED: "Mend the registration as the message says; the old one stays.",
  VALIDATION_UNCERTAIN: LATER,
  API_KEY_NOT_FOUND: "Check the id of the key, and that the credential may see its tenant.",
  RECORD_CHANGED: "Look at the record again, and decide anew.",

  ANSWER_INCOMPLETE: "Client and server are of different versions, too far apart: bring both to the newest.",
  ATTEMPT_ENDED: "Do not use an attempt after its work has returned.",
  CIRCUIT_OPEN: "The servers were not reached lately: call again after `retryAfterMs`.",
  CLOSED: "Call before `close()`, or make another client.",
  EXPIRED: "The work was done and is not run again; keep results for longer with `resultRetentionMs`.",
  FAILED:
    "The error is the work's own. To run it again: `reuse: \"retry-failed\"`, another key, or an operator's reset.",
  HOOK_FAILED: "Mend the hook: it must not throw, nor reject.",
  LEASE_EXPIRED: STOP,
  OUTCOME_UNKNOWN:
    "Find out whether the work was done, with `reconcile`, or have an operator resolve it. Do not run it again.",
  RESULT_UNAVAILABLE: "The work was done. `why` says where its result is; store it elsewhere if it does not fit.",
  TIMEOUT: "Somebody else is at the work, or no server has answered: call again, or wait for longer.",
  TOKEN_UNAVAILABLE: "Look at what `token` does: it has thrown, returned no token, or taken too long.",
  UNPROTECTED: "Look at `attempt.isProtected` first, or name the `tenant` when the client is created.",
};

/** Empty for a reason that this client does not know: what the server says about it is all there is. */
export function remedyOf(reason: string, code: Code | undefined): string {
  if (reason === "") return withoutReason(code);
  return Object.hasOwn(REMEDIES, reason) ? REMEDIES[reason as keyof typeof REMEDIES] : "";
}

/** No server has given one. A switch, which a bundler leaves out where no error is made. */
function withoutReason(code: Code | undefined): string {
  switch (code) {
    case Code.Unavailable:
      return "Check that the servers run, their addresses, and on both sides `tls`; calls are safe to repeat.";
    case Code.DeadlineExceeded:
      return "The same call is safe to repeat. If it happens often, look at the network and the server.";
    case Code.Unimplemented:
      return "What answers is no server of Holdfast, or older than this client: check the address, upgrade it.";
    case Code.Unauthenticated:
      return "Something between asks for a credential of its own: check the proxies, and `apiKey` or `token`.";
    case Code.PermissionDenied:
      return "Something between refuses the call: check the proxies and their rules.";
    case Code.ResourceExhausted:
      return "The message is too large for what is between, or a proxy limits calls: look at the message.";
    default:
      return "Something between client and server has answered: check the address, and the proxies on the way.";
  }
}
