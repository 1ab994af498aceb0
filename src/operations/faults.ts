import { Fault, type FaultCode, type FieldViolation } from "../domain/fault.ts";

/** What a store's or a tenant's refusal says to the caller: why, and what to do about it. */
const WORDS = {
  FINGERPRINT_MISMATCH: "the key was claimed with another payload; use a new key for other work",
  RECORD_EXISTS: "a record exists under this key, and reuse is REUSE_POLICY_REJECT",
  LEASE_SUPERSEDED: "a newer attempt, a reconciler or an operator has taken the record; claim again",
  LEASE_TOKEN_INVALID: "the token was never given out for this fence",
  RESULT_CONFLICT: "the attempt has already ended with other content",
  CLAIM_ENDED: "the attempt that this claim_id began has ended; claim with a new claim_id",
  INVALID_STATE: "the record's state does not allow this call",
  RECORD_NOT_FOUND: "there is no such record",
  RECORD_CHANGED: "the record has changed since it was read: its fence or its state is another; look at it again",
  DURATION_OUT_OF_RANGE: "delay must be at most the record's own result retention",
  STORE_UNAVAILABLE: "the store has no room for a new record; try again",
  TENANT_PENDING: "the tenant is being set up; try again",
  TENANT_DISABLED: "the tenant is disabled: nothing is acquired, what is held may finish",
  TENANT_DRAINING: "the tenant is draining: nothing is acquired, what is held may finish",
  TENANT_UNVERIFIED: "the tenant's health is outside the states that it may serve in: nothing is acquired",
} as const satisfies Partial<Record<FaultCode, string>>;

/** Field violations of what only the stored record can tell. */
const VIOLATIONS: Partial<Record<FaultCode, readonly FieldViolation[]>> = {
  DURATION_OUT_OF_RANGE: [{ field: "delay", allowed: "must be from 0s to the record's own result retention" }],
};

/** When the same call can help later; room is made by people. */
const RETRY_AFTER_MS: Partial<Record<FaultCode, number>> = { STORE_UNAVAILABLE: 1_000 };

export function faultOf(code: FaultCode): Fault {
  if (!isWorded(code)) throw new Error(`bug: a store does not answer ${code}`);
  const [violations, retryAfterMs] = [VIOLATIONS[code], RETRY_AFTER_MS[code]];
  return new Fault(code, WORDS[code], {
    ...(violations !== undefined && { violations }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function isWorded(code: FaultCode): code is keyof typeof WORDS {
  return Object.hasOwn(WORDS, code);
}
