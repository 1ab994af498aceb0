import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type Acquired,
  AcquireReason,
  type ClaimRequest,
  type ClaimResponse,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type ClaimTerms, claimOnce } from "./claim-call.ts";
import { endLease } from "./give-back.ts";
import type { Answered } from "./retry.ts";
import type { Runtime } from "./runtime.ts";
import { toHoldfastError } from "./wire-error.ts";

/** The lease of a claim that has waited for it; undefined when there is nothing to confirm. */
export function promotedLease({ answer: { detail } }: Answered<ClaimResponse>): Acquired | undefined {
  if (detail.case !== "acquired") return undefined;
  const { waited } = detail.value.lease ?? {};
  return waited !== undefined && durationMs(waited) > 0 ? detail.value : undefined;
}

/**
 * Sends the claim once more before the work begins. The server gives the lease of a promoted claim back when the
 * connection breaks as it is answered, and cannot know whether the answer got through all the same. This answer decides:
 * reattaching moves the end of the lease, and the server's guarded give-back misses it from here on.
 *
 * What it resolves to is the new lease with the first answer's story, or what became of the record since; undefined when
 * the lease was given back and nobody has claimed since.
 *
 * @throws HoldfastError, or the signal's reason; the lease is given back then
 */
export async function confirm(
  runtime: Runtime,
  request: ClaimRequest,
  held: Acquired,
  terms: ClaimTerms,
): Promise<Answered<ClaimResponse> | undefined> {
  try {
    const confirmed = await claimOnce(runtime, request, { ...terms, held, waitMs: () => 0 });
    const { detail } = confirmed.answer;
    if (detail.case !== "acquired" || detail.value.reason !== AcquireReason.REATTACHED) return confirmed;
    const value: Acquired = { ...held, lease: detail.value.lease };
    return { ...confirmed, answer: { ...confirmed.answer, detail: { case: "acquired", value } } };
  } catch (error) {
    if (terms.signal.aborted) throw terms.signal.reason;
    const known = toHoldfastError(error);
    if (known.reason === "CLAIM_ENDED") return undefined;
    runtime.lifetime.keep(endLease(runtime, request, held));
    throw known;
  }
}
