import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  ClaimIntent,
  type ClaimPolicySchema,
  type ClaimRequest,
  ClaimRequestSchema,
  LeaseExpiryPolicy,
  ReusePolicy,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId } from "./claim.ts";
import { fingerprintBy } from "./fingerprint.ts";
import { checkMetadata, checkMs, checkText, LIMITS } from "./limits.ts";
import type { Runtime } from "./runtime.ts";

/** Which record. */
export interface RecordName {
  /** What kind of work: "charge", "send-invoice". 1 to 128 bytes. */
  readonly scope: string;
  /** Which piece of it: an event id, a request's Idempotency-Key. 1 to 512 bytes. */
  readonly key: string;
}

/** What a claim says beside the record's name. Durations are judged by the server; left out, its defaults hold. */
export interface ClaimOptions extends RecordName {
  /** What the work is done from: a JSON value or bytes. The same key with another input is FingerprintMismatchError. */
  readonly input: unknown;
  /** 1 s to 1 h, default 30 s: how long a crashed holder keeps the record. Extended by itself while the work runs. */
  readonly leaseMs?: number;
  /** Default "reacquire": the next claim takes over. "hold": the outcome is unknown until somebody reconciles it. */
  readonly onLeaseExpiry?: "reacquire" | "hold";
  /** 0 to 1000, default 0: no limit. */
  readonly maxAttempts?: number;
  /** 1 s to 7 d, default none: no heartbeat extends an attempt past it. */
  readonly maxExecutionMs?: number;
  /** 60 s to 90 d, default 24 h: how long the result is replayed. */
  readonly resultRetentionMs?: number;
  /** 0 to 10 years, default 24 h: how long after that a second run is still refused. */
  readonly tombstoneRetentionMs?: number;
  /** Default "replay-all". "retry-failed" claims a failed record again, "reject" takes any record for an error. */
  readonly reuse?: "replay-all" | "retry-failed" | "reject";
  /** For people; names and values together up to 4 KiB. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What is known of the work in the outside world already. Up to 256 bytes. */
  readonly externalRef?: string;
}

/** @throws InvalidInputError for an input without canonical JSON, FieldInvalidError for what no server would take. */
export function executeRequest(runtime: Runtime, options: ClaimOptions): ClaimRequest {
  const { metadata = {}, externalRef = "", reuse = "replay-all" } = options;
  checkMetadata(metadata);
  checkText("external_ref", externalRef, LIMITS.label);
  return create(ClaimRequestSchema, {
    ...commonFields(runtime, options),
    fingerprint: fingerprintBy(runtime.platform, options.input),
    intent: ClaimIntent.EXECUTE,
    policy: policyOf(options),
    metadata,
    externalRef,
    reuse: REUSE_POLICIES[reuse],
  });
}

/** Without a fingerprint: a reconciler need not know the input. */
export function reconcileRequest(runtime: Runtime, options: RecordName & Pick<ClaimOptions, "leaseMs">): ClaimRequest {
  return create(ClaimRequestSchema, { ...commonFields(runtime, options), intent: ClaimIntent.RECONCILE });
}

function commonFields(runtime: Runtime, { scope, key, leaseMs }: RecordName & Pick<ClaimOptions, "leaseMs">) {
  checkText("key.scope", scope, LIMITS.scope);
  checkText("key.key", key, LIMITS.key);
  return {
    key: { tenant: runtime.tenant, scope, key },
    claimId: newClaimId(),
    owner: runtime.owner,
    ...durationField("lease", leaseMs),
  };
}

function policyOf(options: ClaimOptions): MessageInitShape<typeof ClaimPolicySchema> {
  const { onLeaseExpiry = "reacquire", maxAttempts = 0 } = options;
  return {
    onLeaseExpiry: EXPIRY_POLICIES[onLeaseExpiry],
    maxAttempts,
    ...durationField("maxExecution", options.maxExecutionMs),
    ...durationField("resultRetention", options.resultRetentionMs),
    ...durationField("tombstoneRetention", options.tombstoneRetentionMs),
  };
}

function durationField<Name extends string>(name: Name, ms: number | undefined): { readonly [N in Name]?: Duration } {
  if (ms === undefined) return {};
  checkMs(name, ms);
  return { [name]: durationFromMs(Math.round(ms)) } as { readonly [N in Name]?: Duration };
}

const EXPIRY_POLICIES = { reacquire: LeaseExpiryPolicy.REACQUIRE, hold: LeaseExpiryPolicy.HOLD } as const;

const REUSE_POLICIES = {
  "replay-all": ReusePolicy.REPLAY_ALL,
  "retry-failed": ReusePolicy.RETRY_FAILED,
  reject: ReusePolicy.REJECT,
} as const;
