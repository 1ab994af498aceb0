import type { ClaimRequestSchema, ClaimResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { DEFAULTS } from "../domain/limits.ts";
import type { Claim } from "../operations/claim.ts";
import { noteClaim } from "./claim-trace.ts";
import type { UnaryHandler } from "./pipeline.ts";
import { toClaimResponse } from "./wire/claim-response.ts";
import { intentOf, reuseOf } from "./wire/enums.ts";
import { durationOr, fingerprintOf, keyOf, policyOf, textOf } from "./wire/request.ts";
import { encodeEvidence } from "./wire/stored.ts";

/** @param random 0 up to but not including 1; jitters retry_after */
export function createClaimHandler(
  claim: Claim,
  random: () => number,
): UnaryHandler<typeof ClaimRequestSchema, typeof ClaimResponseSchema> {
  return (request, caller) => {
    const leaseMs = durationOr(request.lease, DEFAULTS.leaseMs);
    const { traceparent } = caller.trace;
    const answered = claim(caller, {
      key: keyOf(request.key),
      claimId: request.claimId,
      fingerprint: fingerprintOf(request.fingerprint),
      leaseMs,
      intent: intentOf(request.intent),
      reuse: reuseOf(request.reuse),
      policy: policyOf(request.policy),
      evidence: encodeEvidence({ owner: request.owner, metadata: request.metadata, traceparent }),
      externalRef: textOf(request.externalRef),
      waitMs: durationOr(request.wait, 0),
    });
    // Not awaited: this function would be kept with the request for as long as the claim waits.
    return answered.then((answer) => {
      noteClaim(caller.trace, answer, traceparent);
      return toClaimResponse(answer, leaseMs, random());
    });
  };
}
