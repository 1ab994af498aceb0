import type { ClaimCall, FinishCall, HeartbeatCall } from "../../domain/calls.ts";
import type { RecordKey } from "../../domain/key.ts";

/** What a call weighs in a queue and in a batch: its content, and a flat share for everything of fixed size. */
const FIXED_BYTES = 256;

export function bytesOfKeyed({ key }: { readonly key: RecordKey }): number {
  return FIXED_BYTES + key.tenant.length + key.scope.length + key.key.length;
}

export function bytesOfClaim(call: ClaimCall): number {
  return bytesOfKeyed(call) + call.claimId.length + call.evidence.length + (call.externalRef?.length ?? 0);
}

export function bytesOfHeartbeat(call: HeartbeatCall): number {
  return (
    bytesOfKeyed(call) +
    (call.checkpoint?.encoded.length ?? 0) +
    (call.progress?.length ?? 0) +
    (call.externalRef?.length ?? 0)
  );
}

export function bytesOfFinish(call: FinishCall): number {
  return bytesOfKeyed(call) + (call.outcome?.length ?? 0) + (call.checkpoint?.encoded.length ?? 0);
}
