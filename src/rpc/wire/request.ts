import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  type ClaimPolicy,
  type Fingerprint as FingerprintProto,
  LeaseExpiryPolicy,
  type LeaseHandle,
  type RecordKey as RecordKeyProto,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { RecordKey } from "../../domain/key.ts";
import type { Fingerprint, Policy, Proof } from "../../domain/record.ts";
import { holds } from "./enums.ts";
import { durationMs } from "./time.ts";

/** Requests, validated, as the domain words them; defaults come in here. */

export function keyOf(key: RecordKeyProto | undefined): RecordKey {
  if (key === undefined) throw unset("key");
  return { tenant: key.tenant, scope: key.scope, key: key.key };
}

/** The token stays a view into the request's frame: it is compared and never kept. */
export function proofOf(handle: LeaseHandle | undefined): Proof {
  if (handle === undefined) throw unset("handle");
  return { token: handle.token, fence: handle.fence };
}

const NO_FINGERPRINT: Fingerprint = { algorithm: "", digest: new Uint8Array() };

/** A copy, for it is kept as long as the record. */
export function fingerprintOf(fingerprint: FingerprintProto | undefined): Fingerprint {
  if (fingerprint === undefined || fingerprint.digest.length === 0) return NO_FINGERPRINT;
  return { algorithm: fingerprint.algorithm, digest: Uint8Array.from(fingerprint.digest) };
}

/** What it says; the rest is the tenant's, and all of it where nothing is said. */
export function policyOf(policy: ClaimPolicy | undefined): Partial<Policy> | null {
  if (policy === undefined) return null;
  const { onLeaseExpiry, maxAttempts, maxExecution, resultRetention, tombstoneRetention } = policy;
  return {
    ...(onLeaseExpiry !== LeaseExpiryPolicy.UNSPECIFIED && { hold: holds(onLeaseExpiry) }),
    ...(maxAttempts > 0 && { maxAttempts }),
    ...(maxExecution && { maxExecutionMs: durationMs(maxExecution) }),
    ...(resultRetention && { resultRetentionMs: durationMs(resultRetention) }),
    ...(tombstoneRetention && { tombstoneRetentionMs: durationMs(tombstoneRetention) }),
  };
}

export function durationOr(value: Duration | undefined, defaultMs: number): number {
  return value === undefined ? defaultMs : durationMs(value);
}

/** proto3's empty string is no text at all. */
export function textOf(text: string): string | null {
  return text === "" ? null : text;
}

function unset(field: string): Error {
  return new Error(`bug: validation lets no request without ${field} through`);
}
