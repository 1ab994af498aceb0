import type { Lease } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { type Instant, msBetween } from "../../domain/instant.ts";
import type { RecordKey } from "../../domain/key.ts";
import type { Proof } from "../../domain/record.ts";
import { toDuration, toTimestamp } from "./time.ts";

export interface LeaseFacts {
  readonly key: RecordKey;
  readonly proof: Proof;
  /** 0: not repeated. */
  readonly attempt: number;
  readonly due: Instant;
  readonly now: Instant;
  /** How long the call had been open when the lease began. */
  readonly waitedMs: number;
  /** What the caller asked for; a third of it is the recommended time between heartbeats. */
  readonly leaseMs: number;
}

const HEARTBEATS_PER_LEASE = 3;

export function toLease({ key, proof, attempt, due, now, waitedMs, leaseMs }: LeaseFacts): Lease {
  const { token, fence } = proof;
  return {
    $typeName: "holdfast.v1.Lease",
    handle: {
      $typeName: "holdfast.v1.LeaseHandle",
      key: { $typeName: "holdfast.v1.RecordKey", tenant: key.tenant, scope: key.scope, key: key.key },
      token,
      fence,
    },
    fence,
    attempt,
    expireTime: toTimestamp(due),
    // A lease that its longest execution has cut can be over already.
    remaining: toDuration(Math.max(0, msBetween(now, due))),
    waited: toDuration(waitedMs),
    heartbeatInterval: toDuration(Math.floor(leaseMs / HEARTBEATS_PER_LEASE)),
  };
}
