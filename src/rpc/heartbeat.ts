import type { HeartbeatRequestSchema, HeartbeatResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { DEFAULTS } from "../domain/limits.ts";
import type { Heartbeat } from "../operations/heartbeat.ts";
import type { UnaryHandler } from "./pipeline.ts";
import { toLease } from "./wire/lease.ts";
import { durationOr, keyOf, proofOf, textOf } from "./wire/request.ts";
import { encodeCheckpoint, encodeProgress } from "./wire/stored.ts";

export function createHeartbeatHandler(
  heartbeat: Heartbeat,
): UnaryHandler<typeof HeartbeatRequestSchema, typeof HeartbeatResponseSchema> {
  return async (request, caller) => {
    const leaseMs = durationOr(request.lease, DEFAULTS.leaseMs);
    const proof = proofOf(request.handle);
    const { key, due, now, hasWaiters } = await heartbeat(caller, {
      key: keyOf(request.handle?.key),
      proof,
      leaseMs,
      checkpoint: encodeCheckpoint(request.checkpoint),
      progress: encodeProgress(request.progress),
      externalRef: textOf(request.externalRef),
    });
    const lease = toLease({ key, proof, attempt: 0, due, now, waitedMs: 0, leaseMs });
    return { $typeName: "holdfast.v1.HeartbeatResponse", lease, hasWaiters };
  };
}
