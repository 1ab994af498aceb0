import type { ClaimCall, EndKind, FinishCall } from "../../../src/domain/calls.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Fingerprint, Proof, StoredRecord } from "../../../src/domain/record.ts";
import { type Call, clientOf, type Rules, type World } from "./world.ts";

/** One tick of the clock is a little longer: the lease of a reattached claim ends a microsecond later. */
export const LEASE_MS = 1;

const NO_BYTES = new Uint8Array();
const FINGERPRINT: Fingerprint = { algorithm: "sha-256", digest: new Uint8Array([7]) };
const END_KINDS = ["complete", "retryable", "terminal", "outcome-unknown", "not-started"] as const;

/**
 * The worst random source: every lease that a server grants has the same token. What the token guards is shown by those
 * who have none, what the fence guards by those who have the right one.
 */
const TOKENS = Array.from({ length: 8 }, (_, server) => new Uint8Array([server + 1]));
const FORGED = new Uint8Array([99]);
const KEYS: readonly RecordKey[] = Array.from({ length: 8 }, (_, key) => ({
  ...{ tenant: "default", scope: "model", key: `key ${key + 1}` },
}));
const OUTCOMES = Array.from({ length: 8 }, (_, client) => new Uint8Array([client + 1]));

export function outcomeOf(client: number): Uint8Array {
  return OUTCOMES[client] ?? NO_BYTES;
}

/** In the form that the reducer reads; what it does not read is empty. */
export function claimCallOf({ scenario }: Rules, world: World, call: Pick<Call, "by" | "nonce" | "at">): ClaimCall {
  const { key } = clientOf(world, call.by);
  return {
    key: KEYS[key] as RecordKey,
    claimId: claimIdOf(call.by, call.nonce),
    token: TOKENS[call.at] as Uint8Array,
    fingerprint: FINGERPRINT,
    leaseMs: LEASE_MS,
    intent: scenario.intents[call.by] ?? "execute",
    reuse: "replay-all",
    policy: scenario.policy,
    evidence: NO_BYTES,
    externalRef: null,
    mayAcquire: "anything",
  };
}

export function claimIdOf(client: number, nonce: number): string {
  return `${client}.${nonce}`;
}

export function serverOfToken(token: Uint8Array): number {
  return (token[0] ?? 0) - 1;
}

export function clientOfOutcome(outcome: Uint8Array): number {
  return (outcome[0] ?? 0) - 1;
}

/** Whose claim_id it is. */
export function clientOfId(claimId: string): number {
  return Number(claimId.split(".")[0]);
}

/** The mutants send what the record has instead of what the client has, so that the reducer's own check cannot fail. */
export function finishCallOf({ mutant }: Rules, world: World, by: number, stored: StoredRecord | null): FinishCall {
  const { key, lease, end } = clientOf(world, by);
  if (lease === null || end === null) throw new Error("bug: a client ends what it does not hold");
  const token = mutant === "M3" && stored !== null ? stored.lease.token : lease.token;
  const fence = mutant === "M4" && stored !== null ? stored.lease.fence : lease.fence;
  return endCall(key, { token, fence }, end, outcomeOf(by), null);
}

export function giveBackOf(world: World, { mutant }: Rules, { by, granted }: Call): FinishCall {
  if (granted === null) throw new Error("bug: nothing was granted");
  return endCall(
    clientOf(world, by).key,
    granted.proof,
    "not-started",
    null,
    mutant === "no-guard" ? null : granted.due,
  );
}

/** By somebody downstream, who was shown the fence and has made up a token. */
export function forgedCall({ mutant }: Rules, key: number, { lease }: StoredRecord): FinishCall {
  const token = mutant === "M3" ? lease.token : FORGED;
  return endCall(key, { token, fence: lease.fence }, "complete", FORGED, null);
}

function endCall(
  key: number,
  proof: Proof,
  kind: EndKind,
  outcome: Uint8Array | null,
  onlyIfDue: number | null,
): FinishCall {
  return {
    ...{ key: KEYS[key] as RecordKey, proof, kind, outcome, delayMs: 0, checkpoint: null, onlyIfDue },
    digest: new Uint8Array([END_KINDS.indexOf(kind), outcome?.[0] ?? 0]),
  };
}

export function heartbeatCallOf(world: World, by: number) {
  const { key, lease } = clientOf(world, by);
  if (lease === null) throw new Error("bug: a client extends what it does not hold");
  return {
    ...{ key: KEYS[key] as RecordKey, proof: lease, leaseMs: LEASE_MS },
    ...{ checkpoint: null, progress: null, externalRef: null },
  };
}
