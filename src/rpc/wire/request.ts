import type { Duration } from "@bufbuild/protobuf/wkt";
import type {
  ClaimPolicy,
  Fingerprint as FingerprintProto,
  LeaseHandle,
  RecordKey as RecordKeyProto,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { RecordKey } from "../../domain/key.ts";
import { DEFAULTS } from "../../domain/limits.ts";
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

export function policyOf(policy: ClaimPolicy | undefined): Policy {
  if (policy === undefined) return DEFAULT_POLICY;
  return {
    hold: holds(policy.onLeaseExpiry),
    maxAttempts: policy.maxAttempts,
    maxExecutionMs: policy.maxExecution === undefined ? null : durationMs(policy.maxExecution),
    resultRetentionMs: durationOr(policy.resultRetention, DEFAULTS.resultRetentionMs),
    tombstoneRetentionMs: durationOr(policy.tombstoneRetention, DEFAULTS.tombstoneRetentionMs),
  };
}

const DEFAULT_POLICY: Policy = {
  hold: false,
  maxAttempts: DEFAULTS.maxAttempts,
  maxExecutionMs: null,
  resultRetentionMs: DEFAULTS.resultRetentionMs,
  tombstoneRetentionMs: DEFAULTS.tombstoneRetentionMs,
};

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
