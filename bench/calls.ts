import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { ClaimAnswer, ClaimCall, FinishCall } from "../src/domain/calls.ts";
import { DEFAULTS } from "../src/domain/limits.ts";

const RESULT = Buffer.from(JSON.stringify({ id: "ch_3PqLx2", amount: 4200, currency: "eur", status: "succeeded" }));

export function claimCall(key: string, leaseMs: number = DEFAULTS.leaseMs): ClaimCall {
  return {
    key: { tenant: "default", scope: "charge", key },
    claimId: randomUUID(),
    token: randomBytes(16),
    fingerprint: { algorithm: "jcs-sha256", digest: createHash("sha256").update(key).digest() },
    leaseMs,
    intent: "execute",
    reuse: "replay-all",
    policy: {
      hold: false,
      maxAttempts: DEFAULTS.maxAttempts,
      maxExecutionMs: null,
      resultRetentionMs: DEFAULTS.resultRetentionMs,
      tombstoneRetentionMs: DEFAULTS.tombstoneRetentionMs,
    },
    evidence: Buffer.from("billing/pod-7"),
    externalRef: null,
    mayAcquire: "anything",
  };
}

/** The completion of a claim that was acquired. */
export function completeCall(answer: ClaimAnswer): FinishCall {
  if (answer.kind !== "acquired") throw new Error(`a fresh key was answered ${answer.kind}`);
  return {
    key: answer.record.key,
    proof: answer.record.lease,
    kind: "complete",
    outcome: RESULT,
    digest: createHash("sha256").update(RESULT).digest(),
    delayMs: 0,
    checkpoint: null,
    onlyIfDue: null,
  };
}
