import { createHash } from "node:crypto";
import type { ClaimCall, FinishCall, HeartbeatCall } from "../../src/domain/calls.ts";
import { addMs, type Instant } from "../../src/domain/instant.ts";
import { compareKeys, type RecordKey } from "../../src/domain/key.ts";
import type { Proof, StoredRecord } from "../../src/domain/record.ts";
import type { Verdict } from "../../src/store/operator-store.ts";
import { bytes, claimIdOf, fingerprintOf, finishOf, NO_FINGERPRINT } from "../support/records.ts";
import type { Forgery, Step } from "./random-steps.ts";

/** A step made into the call that a store gets. */
export type Call =
  | { readonly op: "claim"; readonly call: ClaimCall }
  | { readonly op: "heartbeat"; readonly call: HeartbeatCall }
  | { readonly op: "finish"; readonly call: FinishCall }
  | { readonly op: "peek" | "watch" | "release"; readonly key: RecordKey }
  | { readonly op: "reset" | "purge"; readonly key: RecordKey; readonly force: boolean }
  | { readonly op: "resolve"; readonly key: RecordKey; readonly force: boolean; readonly verdict: Verdict }
  | { readonly op: "sweep" }
  | { readonly op: "time"; readonly to: Instant };

export interface Granted {
  readonly key: RecordKey;
  readonly proof: Proof;
  readonly due: Instant;
}

/** What the callers of one run know: their claim_ids, and the leases that they were handed. */
export interface Play {
  /** Sorted as batches are. */
  readonly keys: readonly RecordKey[];
  readonly granted: readonly Granted[];
  /**
   * @param seen the record that a step in time goes to a boundary of
   * @returns null where the step makes no sense yet: no lease was handed out, no boundary lies ahead
   */
  callOf(step: Step, now: Instant, seen: StoredRecord | null): Call | null;
  /** To be told of every claim that acquired. */
  learn(lease: Granted): void;
  /** Whether any caller ever sent it with a claim. */
  knowsToken(token: Uint8Array): boolean;
}

/** @param run names keys, claim_ids and tokens: no two runs share any, and the same run makes the same ones again */
export function createPlay(run: string, keyCount: number): Play {
  const keys = Array.from({ length: keyCount }, (_, i) => ({ tenant: "default", scope: "random", key: `${run} ${i}` }));
  const granted: Granted[] = [];
  const claimIds = new Map<number, string>();
  const tokens = new Set<string>();
  let made = 0;

  const keyOf = (index: number): RecordKey => {
    const key = keys[index % keys.length];
    if (key === undefined) throw new Error("bug: a run without keys");
    return key;
  };
  const tokenFor = (name: string): Uint8Array => {
    const token = createHash("sha256").update(`${run} ${name}`).digest().subarray(0, 16);
    tokens.add(token.toString("hex"));
    return new Uint8Array(token);
  };
  const leaseOf = (index: number) => granted.at(-1 - (index % Math.max(granted.length, 1)));

  const claimCall = (step: Step & { op: "claim" }): Call => {
    made++;
    const known = claimIds.get(step.caller);
    const claimId = step.fresh || known === undefined ? claimIdOf(`${made} of ${run}`) : known;
    claimIds.set(step.caller, claimId);
    const { intent, reuse, policy, leaseMs, externalRef, mayAcquire } = step;
    const fingerprint = step.payload === "" ? NO_FINGERPRINT : fingerprintOf(step.payload);
    const common = {
      key: keyOf(step.key),
      claimId,
      token: tokenFor(`${made}`),
      evidence: bytes(`caller ${step.caller}`),
    };
    return { op: "claim", call: { ...common, fingerprint, intent, reuse, policy, leaseMs, externalRef, mayAcquire } };
  };

  const heartbeatCall = (step: Step & { op: "heartbeat" }, { key, proof }: Granted): Call => {
    const { leaseMs, externalRef } = step;
    const progress = step.progress === null ? null : bytes(step.progress);
    const call = { key, proof: forge(proof, step.forgery, tokenFor("forged")), leaseMs, progress, externalRef };
    return { op: "heartbeat", call: { ...call, checkpoint: checkpointOf(step.checkpoint) } };
  };

  const finishCall = (step: Step & { op: "finish" }, { key, proof, due }: Granted): Call => {
    const { kind, delayMs } = step;
    const outcome = step.outcome === null && kind !== "complete" ? null : bytes(step.outcome ?? "");
    const onlyIfDue = step.guard === "none" ? null : due + (step.guard === "granted" ? 0 : 1);
    const forged = forge(proof, step.forgery, tokenFor("forged"));
    const checkpoint = checkpointOf(step.checkpoint);
    return { op: "finish", call: finishOf({ key, proof: forged, kind, outcome, delayMs, checkpoint, onlyIfDue }) };
  };

  return {
    keys: keys.toSorted(compareKeys),
    granted,
    callOf(step, now, seen) {
      switch (step.op) {
        case "claim":
          return claimCall(step);
        case "heartbeat":
        case "finish": {
          const lease = leaseOf(step.lease);
          if (lease === undefined) return null;
          return step.op === "heartbeat" ? heartbeatCall(step, lease) : finishCall(step, lease);
        }
        case "peek":
        case "watch":
        case "release":
          return { op: step.op, key: keyOf(step.key) };
        case "reset":
        case "purge":
          return { op: step.op, key: keyOf(step.key), force: step.force };
        case "resolve":
          return { op: step.op, key: keyOf(step.key), force: step.force, verdict: verdictOf(step.verdict) };
        case "sweep":
          return step;
        case "time": {
          if ("by" in step) return { op: "time", to: addMs(now, step.by) };
          const boundary = wholeMs(seen?.[step.to] ?? Number.POSITIVE_INFINITY) + step.offsetMs * 1_000;
          return boundary > now && Number.isFinite(boundary) ? { op: "time", to: boundary } : null;
        }
      }
    },
    learn(lease) {
      granted.push(lease);
    },
    knowsToken: (token) => tokens.has(Buffer.from(token).toString("hex")),
  };
}

/** A store's clock is set in whole milliseconds; a boundary between two of them is passed at the second. */
function wholeMs(instant: Instant): Instant {
  return Math.ceil(instant / 1_000) * 1_000;
}

function checkpointOf(sequence: number | null) {
  return sequence === null ? null : { sequence: BigInt(sequence), encoded: bytes(`checkpoint ${sequence}`) };
}

function verdictOf(kind: Verdict["kind"]): Verdict {
  return kind === "not-done" ? { kind } : { kind, outcome: bytes(`an operator's ${kind}`) };
}

function forge(proof: Proof, forgery: Forgery, token: Uint8Array): Proof {
  switch (forgery) {
    case "none":
      return proof;
    case "token":
      return { ...proof, token };
    case "lower fence":
      return { ...proof, fence: proof.fence - 1n };
    case "higher fence":
      return { ...proof, fence: proof.fence + 1n };
  }
}
