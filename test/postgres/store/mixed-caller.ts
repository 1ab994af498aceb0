import type { ClaimCall, EndKind, FinishCall, HeartbeatCall } from "../../../src/domain/calls.ts";
import { type RecordKey, sameKey } from "../../../src/domain/key.ts";
import type { Proof, StoredRecord } from "../../../src/domain/record.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Dice } from "../../support/key-triples.ts";
import { bytes, claimOf, finishOf, HOUR, heartbeatOf, MINUTE } from "../../support/records.ts";
import { claimWords, finishWords, heartbeatWords } from "../../support/words.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Tenants are named by two digits at the end, and everything that is a tenant's own names them too. */
export function canaryOf(tenant: string): string {
  return `canary<${tenant.slice(-2)}>`;
}

/** All canaries in a value, however deep: in texts, in bytes, in tokens. */
export function canariesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === "string") for (const [canary] of value.matchAll(/canary<\d\d>/g)) found.add(canary);
  else if (value instanceof Uint8Array) canariesIn(Buffer.from(value).toString("latin1"), found);
  else if (typeof value === "object" && value !== null)
    for (const part of Object.values(value)) canariesIn(part, found);
  return found;
}

/** What all callers found out together. */
export interface Findings {
  calls: number;
  /** Answers with something of another tenant's. */
  readonly leaks: unknown[];
  /** Answers that are none of the contract's, or without what must be in them. */
  readonly surprises: unknown[];
}

/** The holder of one record of one tenant, and the strangers who call for the same record. */
export interface Caller {
  readonly key: RecordKey;
  readonly fingerprint: ClaimCall["fingerprint"];
  readonly claimId: string;
  /** Null before `begin`. */
  readonly lease: Proof | null;
  /** Claims. */
  begin(): Promise<void>;
  /** Asks all that can be asked of a record in progress, ends it, asks it all again, and ends its next attempt. */
  goOn(other: Caller): Promise<void>;
}

export interface CallerDeps {
  readonly store: Store;
  readonly findings: Findings;
  readonly dice: Dice;
  readonly key: RecordKey;
  /** How the first attempt ends. */
  readonly end: EndKind;
}

const AFTER: Readonly<Record<EndKind, { readonly ended: string; readonly again: string; readonly replay: string }>> = {
  complete: { ended: "completed", again: "already applied", replay: "completed" },
  terminal: { ended: "failed", again: "already applied", replay: "failed" },
  retryable: { ended: "available", again: "already applied", replay: "retry-scheduled" },
  "not-started": { ended: "available", again: "already applied", replay: "retry-scheduled" },
  "outcome-unknown": { ended: "outcome-unknown", again: "outcome-unknown, late", replay: "outcome-unknown" },
};

export function createCaller({ store, findings, dice, key, end }: CallerDeps): Caller {
  const canary = canaryOf(key.tenant);
  const fingerprint = { algorithm: "sha-256", digest: bytes(canary.padEnd(32, "f")) };
  const claimId = `${canary} holder of ${key.key}`;
  let lease: Proof | null = null;
  let made = 0;

  const own = (what: string) => bytes(`${canary} ${what} of ${key.key}`);
  const token = () => bytes(`${canary}${(made++).toString(36).padStart(6, "0")}`);
  const held = (): Proof => {
    if (lease === null) throw new Error("bug: not claimed");
    return lease;
  };

  const expectWords = (step: string, said: string, expected: string) => {
    if (said !== expected) findings.surprises.push({ key, step, said, expected });
  };

  /** Nothing of another's in it, and of its own what the step must show. */
  const look = (step: string, answer: object, shows: Partial<StoredRecord>) => {
    findings.calls++;
    const strange = [...canariesIn(answer)].filter((found) => found !== canary);
    const record = "record" in answer ? (answer.record as StoredRecord | null) : null;
    const isOwn = record === null || (sameKey(record.key, key) && record.claimId.startsWith(canary));
    if (strange.length > 0 || !isOwn) findings.leaks.push({ key, step, strange, record });
    for (const [part, content] of Object.entries(shows)) {
      const shown = record?.[part as keyof StoredRecord];
      if (canonical(shown) !== canonical(content)) findings.surprises.push({ key, step, part, shown });
    }
  };

  const claim = async (
    step: string,
    expected: string,
    change: Partial<ClaimCall> = {},
    shows: Partial<StoredRecord> = {},
  ) => {
    const call = { key, claimId: `${canary} stranger ${made}`, token: token(), fingerprint, leaseMs: HOUR };
    const answer = await store.claim(
      claimOf({ ...call, evidence: own("evidence"), externalRef: `${canary} reference`, ...change }),
      NEVER,
    );
    expectWords(step, claimWords(answer), expected);
    look(step, answer, shows);
    return answer.kind === "acquired" ? answer.record.lease : null;
  };
  const heartbeat = async (step: string, expected: string, change: Partial<HeartbeatCall>) => {
    const answer = await store.heartbeat(heartbeatOf({ key, proof: held(), leaseMs: HOUR, ...change }), NEVER);
    expectWords(step, heartbeatWords(answer), expected);
    look(step, answer, {});
  };
  const finish = async (step: string, expected: string, change: Partial<FinishCall>) => {
    const answer = await store.finish(finishOf({ key, proof: held(), outcome: own("outcome"), ...change }), NEVER);
    expectWords(step, finishWords(answer), expected);
    look(step, answer, {});
  };
  const peek = async (step: string, expected: string, shows: Partial<StoredRecord> = {}) => {
    const answer = await store.peek(key, NEVER);
    expectWords(step, answer.record?.state ?? "absent", expected);
    look(step, answer, shows);
  };

  /** At once, in any order: none of them changes what another is told. */
  const all = (steps: readonly (() => Promise<unknown>)[]) => Promise.all(dice.shuffled(steps).map((step) => step()));

  /** With what another tenant was handed for the same scope and key. */
  const asOther = (other: Caller): readonly (() => Promise<unknown>)[] => {
    const theirs = other.lease;
    if (theirs === null) throw new Error("bug: the other one has not claimed");
    const mixed: Proof = { token: theirs.token, fence: held().fence };
    const refusal = theirs.fence < held().fence ? "LEASE_SUPERSEDED" : "LEASE_TOKEN_INVALID";
    const checkpoint = { sequence: 9n, encoded: bytes(`${canaryOf(other.key.tenant)} smuggled`) };
    const outcome = checkpoint.encoded;
    return [
      () => heartbeat("heartbeat by another's lease", refusal, { proof: theirs, checkpoint }),
      () => heartbeat("heartbeat by another's token", "LEASE_TOKEN_INVALID", { proof: mixed, checkpoint }),
      () => finish("complete by another's lease", refusal, { proof: theirs, outcome }),
      () => finish("complete by another's token", "LEASE_TOKEN_INVALID", { proof: mixed, outcome }),
      () => claim("claim with another's payload", "FINGERPRINT_MISMATCH", { fingerprint: other.fingerprint }),
    ];
  };

  const inProgress = async (other: Caller) => {
    const evidence = { evidence: own("evidence"), lease: held(), claimId };
    await all([
      ...asOther(other),
      () => claim("claim by a stranger", "in-progress", {}, evidence),
      () => claim("claim by another's claim_id", "in-progress", { claimId: other.claimId }, evidence),
      () => claim("claim again", "acquired reattached", { claimId }, evidence),
      () => claim("claim to reconcile", "in-progress", { intent: "reconcile" }, evidence),
      () => claim("claim that takes nothing known", "RECORD_EXISTS", { reuse: "reject" }),
      () => heartbeat("heartbeat", "extended", {}),
      () => peek("peek", "in-progress", evidence),
    ]);
    const checkpoint = { sequence: 1n, encoded: own("checkpoint") };
    const externalRef = `${canary} later reference`;
    const kept = { progress: own("progress"), externalRef };
    await heartbeat("heartbeat with a checkpoint", "extended", { checkpoint, ...kept });
    await peek("peek at a checkpoint", "in-progress", { ...evidence, ...kept, checkpoint: checkpoint.encoded });
  };

  const ended = async (other: Caller) => {
    const { ended: becomes, again, replay } = AFTER[end];
    const ending = { kind: end, delayMs: becomes === "available" ? MINUTE : 0 };
    await finish("end", becomes, ending);
    const shows = { outcome: own("outcome"), checkpoint: own("checkpoint"), evidence: own("evidence"), lease: held() };
    await all([
      ...asOther(other),
      () => finish("end again", again, ending),
      () => claim("claim of what has ended", replay, {}, shows),
      () => claim("claim of what has ended, by another's claim_id", replay, { claimId: other.claimId }, shows),
      () => claim("claim that takes nothing known", "RECORD_EXISTS", { reuse: "reject" }),
      () => peek("peek at what has ended", becomes, shows),
    ]);
  };

  const nextAttempt = async () => {
    const kept = { outcome: own("outcome"), checkpoint: own("checkpoint"), evidence: own("evidence") };
    if (end === "terminal") lease = await claim("retry", "acquired retry", { reuse: "retry-failed" }, kept);
    else if (end === "outcome-unknown")
      lease = await claim("reconcile", "acquired reconcile", { intent: "reconcile" }, kept);
    else return;
    await finish("second end", "completed", { outcome: own("second outcome") });
    await claim("claim of the second end", "completed", {}, { ...kept, outcome: own("second outcome") });
  };

  return {
    key,
    fingerprint,
    claimId,
    get lease() {
      return lease;
    },
    async begin() {
      await peek("peek at nothing", "absent");
      lease = await claim("first claim", "acquired new", { claimId }, { evidence: own("evidence"), claimId });
    },
    async goOn(other) {
      await inProgress(other);
      await ended(other);
      await nextAttempt();
    },
  };
}

/** Equal for equal contents. */
function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (typeof value === "object" && value !== null) return Object.values(value).map(canonical).join(" ");
  return String(value);
}
