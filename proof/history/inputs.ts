import type { MessageShape } from "@bufbuild/protobuf";
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import {
  ClaimIntent,
  type ClaimPolicy,
  type ClaimRequest,
  type CompleteRequest,
  FailKind,
  type FailRequest,
  type GetRecordRequest,
  type HeartbeatRequest,
  LeaseExpiryPolicy,
  type LeaseHandle,
  type Owner,
  type RecordKey,
  type RecordKeySchema,
  ReusePolicy,
  type WaitForRequest,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { DEFAULTS } from "../../src/domain/limits.ts";
import { checkpointOf, errorDigest, hex, resultDigest } from "./digests.ts";
import type { Input, PolicyInput } from "./format.ts";
import { given } from "./given.ts";

/** What a request says, and of which record. */
export interface Said {
  readonly key: Pick<RecordKey, "tenant" | "scope" | "key">;
  readonly input: Input;
}

const FAIL_KINDS: Readonly<Record<FailKind, string>> = {
  [FailKind.UNSPECIFIED]: "",
  [FailKind.RETRYABLE]: "retryable",
  [FailKind.TERMINAL]: "terminal",
  [FailKind.OUTCOME_UNKNOWN]: "outcome-unknown",
  [FailKind.NOT_STARTED]: "not-started",
};

export function claimSaid(request: ClaimRequest): Said {
  const { key, claimId, fingerprint, lease, wait, intent, policy, owner, externalRef, reuse } = request;
  return {
    key: named(key),
    input: {
      claim_id: claimId,
      fingerprint: hex(fingerprint?.digest),
      lease_ms: msOr(lease, DEFAULTS.leaseMs),
      wait_ms: msOr(wait, 0),
      intent: intent === ClaimIntent.RECONCILE ? "reconcile" : "execute",
      reuse: REUSES[reuse] ?? "replay-all",
      policy: policyOf(policy),
      owner: ownerOf(owner),
      ...(externalRef !== "" && { external_ref: externalRef }),
    },
  };
}

const REUSES: Readonly<Record<ReusePolicy, "replay-all" | "retry-failed" | "reject">> = {
  [ReusePolicy.UNSPECIFIED]: "replay-all",
  [ReusePolicy.REPLAY_ALL]: "replay-all",
  [ReusePolicy.RETRY_FAILED]: "retry-failed",
  [ReusePolicy.REJECT]: "reject",
};

export function heartbeatSaid({ handle, lease, checkpoint, externalRef }: HeartbeatRequest): Said {
  return {
    key: named(handle?.key),
    input: {
      ...proof(handle),
      lease_ms: msOr(lease, DEFAULTS.leaseMs),
      ...given("checkpoint", checkpointOf(checkpoint)),
      ...(externalRef !== "" && { external_ref: externalRef }),
    },
  };
}

export function completeSaid({ handle, result }: CompleteRequest): Said {
  return { key: named(handle?.key), input: { ...proof(handle), ...given("result", resultDigest(result)) } };
}

export function failSaid({ handle, kind, error, delay, checkpoint }: FailRequest): Said {
  return {
    key: named(handle?.key),
    input: {
      ...proof(handle),
      kind: FAIL_KINDS[kind] ?? "",
      delay_ms: msOr(delay, 0),
      ...given("error", errorDigest(error)),
      ...given("checkpoint", checkpointOf(checkpoint)),
    },
  };
}

export function getRecordSaid({ key, fingerprint, includeResult }: GetRecordRequest): Said {
  return { key: named(key), input: { fingerprint: hex(fingerprint?.digest), include_result: includeResult } };
}

/** One for each target. */
export function waitForSaid({ targets, includeResult, mustExist }: WaitForRequest): readonly Said[] {
  return targets.map(({ key, fingerprint }) => ({
    key: named(key),
    input: { fingerprint: hex(fingerprint?.digest), include_result: includeResult, must_exist: mustExist },
  }));
}

export function ownerOf(owner: Owner | undefined): string {
  return owner === undefined ? "" : `${owner.service}/${owner.instance}`;
}

/** A tenant's own defaults are not known here: a driver that sets them names the policy in its claims. */
function policyOf(policy: ClaimPolicy | undefined): PolicyInput {
  return {
    hold: policy?.onLeaseExpiry === LeaseExpiryPolicy.HOLD,
    max_attempts: policy?.maxAttempts ?? DEFAULTS.maxAttempts,
    max_execution_ms: msOr(policy?.maxExecution, 0),
    result_retention_ms: msOr(policy?.resultRetention, DEFAULTS.resultRetentionMs),
    tombstone_retention_ms: msOr(policy?.tombstoneRetention, DEFAULTS.tombstoneRetentionMs),
  };
}

function proof(handle: LeaseHandle | undefined): Pick<Input, "token" | "fence"> {
  return { token: hex(handle?.token), fence: Number(handle?.fence ?? 0n) };
}

function named(key: MessageShape<typeof RecordKeySchema> | undefined): Said["key"] {
  return { tenant: key?.tenant ?? "", scope: key?.scope ?? "", key: key?.key ?? "" };
}

function msOr(duration: Duration | undefined, usual: number): number {
  return duration === undefined ? usual : durationMs(duration);
}
