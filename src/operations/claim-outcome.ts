import type { ClaimAnswer } from "../domain/calls.ts";

/** What became of a claim: everything that is not an error. */
export type ClaimOutcome = Exclude<ClaimAnswer, { readonly kind: "refused" | "fault" }> & {
  /** From the call's arrival to the decision, or less; 0 if it did not wait. */
  readonly waitedMs: number;
};
