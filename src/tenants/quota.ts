import type { ClaimAnswer, FinishAnswer, MayAcquire } from "../domain/calls.ts";
import type { Fault } from "../domain/fault.ts";

/** What one tenant may still use, as far as this server knows. */
export interface Quota {
  /** Before each claim. To be settled, whatever becomes of the claim. */
  reserve(): Reservation;
  /** An attempt was ended through this server, and so many bytes stored for it. */
  ended(answer: Extract<FinishAnswer, { readonly kind: "ended" }>, storedBytes: number): void;
}

export interface Reservation {
  /** What the claim may acquire. */
  readonly mayAcquire: MayAcquire;
  /** Why not anything; null when it may. */
  readonly refusal: Fault | null;
  /** What the claim was answered; null when that is not known. What it did not use is given back. */
  settle(answer: ClaimAnswer | null): void;
}

const FREE: Reservation = { mayAcquire: "anything", refusal: null, settle() {} };

/** Of a tenant without limits. */
export const UNMETERED: Quota = { reserve: () => FREE, ended() {} };
