import { readKeySet } from "../../auth/key-set.ts";
import type { TenantRegistration, Verdict } from "../../domain/registration.ts";
import type { GuardedFetch } from "./guarded-fetch.ts";

/** Asks a tenant's validator. Rejects with the signal's reason when aborted, and for no other reason. */
export type Validate = (registration: Pick<TenantRegistration, "validator">, signal: AbortSignal) => Promise<Verdict>;

export interface ValidateDeps {
  readonly fetch: GuardedFetch;
}

const ACCEPTED: Verdict = { kind: "accepted" };

export function createValidate({ fetch }: ValidateDeps): Validate {
  return async ({ validator }, signal) => {
    if (validator.kind === "none") return ACCEPTED;
    const fetched = await fetch(validator.url, signal);
    if (fetched.kind !== "ok") return fetched;
    if (validator.kind === "http") return ACCEPTED;
    const reading = readKeySet(fetched.body);
    return reading.kind === "usable" ? ACCEPTED : { kind: "refused", reason: reading.reason };
  };
}
