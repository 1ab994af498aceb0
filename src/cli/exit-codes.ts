import { constants } from "node:os";
import type { FaultCode } from "../domain/fault.ts";

/** What a command ends with. The numbers are a promise to scripts: none ever changes its meaning. */
export const EXIT = {
  done: 0,
  failed: 1,
  misunderstood: 2,
  noAnswer: 3,
  notFound: 4,
  refused: 5,
  notAllowed: 6,
  endedWithError: 7,
  noOutcome: 8,
  timedOut: 9,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For `holdfast help` and docs/cli.md. */
export const EXIT_CODES: readonly { readonly code: number; readonly meaning: string }[] = [
  { code: EXIT.done, meaning: "done" },
  { code: EXIT.failed, meaning: "failed, or the answer is no: not ready, not healthy, not up to date" },
  {
    code: EXIT.misunderstood,
    meaning: "not understood: a command, flag or value that is not allowed",
  },
  { code: EXIT.noAnswer, meaning: "no answer from the server or its database: the same again may help" },
  { code: EXIT.notFound, meaning: "no such record, tenant or API key, or none that this caller may see" },
  { code: EXIT.refused, meaning: "refused by the state of what was to be changed, or changed meanwhile" },
  { code: EXIT.notAllowed, meaning: "not allowed: no credential, a bad one, or one without the role" },
  { code: EXIT.endedWithError, meaning: "wait: the record has failed for good" },
  {
    code: EXIT.noOutcome,
    meaning: "wait: its outcome is unknown still, or its result is no longer kept",
  },
  { code: EXIT.timedOut, meaning: "wait: it had not ended at the timeout" },
  { code: 130, meaning: "interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP" },
];

/** By why a call failed, as the server says it. */
export const EXIT_BY_REASON = {
  FIELD_INVALID: EXIT.misunderstood,
  DURATION_OUT_OF_RANGE: EXIT.misunderstood,
  FINGERPRINT_MISMATCH: EXIT.refused,
  RECORD_EXISTS: EXIT.refused,
  LEASE_SUPERSEDED: EXIT.refused,
  LEASE_TOKEN_INVALID: EXIT.notAllowed,
  RESULT_CONFLICT: EXIT.refused,
  CLAIM_ENDED: EXIT.refused,
  INVALID_STATE: EXIT.refused,
  RESULT_TOO_LARGE: EXIT.misunderstood,
  CHECKPOINT_TOO_LARGE: EXIT.misunderstood,
  ERROR_TOO_LARGE: EXIT.misunderstood,
  RECORD_NOT_FOUND: EXIT.notFound,
  TENANT_FORBIDDEN: EXIT.notFound,
  TENANT_NOT_FOUND: EXIT.notFound,
  TENANT_PENDING: EXIT.noAnswer,
  TENANT_DISABLED: EXIT.refused,
  TENANT_DRAINING: EXIT.refused,
  TENANT_UNVERIFIED: EXIT.refused,
  CREDENTIALS_INVALID: EXIT.notAllowed,
  ROLE_REQUIRED: EXIT.notAllowed,
  QUOTA_NEW_RECORDS: EXIT.noAnswer,
  QUOTA_LIVE_RECORDS: EXIT.noAnswer,
  QUOTA_BYTES: EXIT.noAnswer,
  QUOTA_LEASES: EXIT.noAnswer,
  QUOTA_WAITERS: EXIT.noAnswer,
  STORE_UNAVAILABLE: EXIT.noAnswer,
  DRAINING: EXIT.noAnswer,
  OVERLOADED: EXIT.noAnswer,
  INTERNAL: EXIT.failed,
  DEADLINE_EXCEEDED: EXIT.noAnswer,
  CANCELLED: EXIT.noAnswer,
  TENANT_EXISTS: EXIT.refused,
  HOST_TAKEN: EXIT.refused,
  ISSUER_TAKEN: EXIT.refused,
  TENANT_CHANGED: EXIT.refused,
  VALIDATION_REFUSED: EXIT.refused,
  VALIDATION_UNCERTAIN: EXIT.noAnswer,
  API_KEY_NOT_FOUND: EXIT.notFound,
  RECORD_CHANGED: EXIT.refused,
} as const satisfies Record<FaultCode, ExitCode>;

/** Why a command ends before its time: a signal, or whoever read its output has gone. */
export type Ending = "SIGINT" | "SIGTERM" | "SIGHUP" | "closed";

/** The code that shells give to a signal. A reader who has gone, as `head` does, has seen what it wanted. */
export function exitOfEnding(ending: Ending): number {
  return ending === "closed" ? EXIT.done : 128 + constants.signals[ending];
}
