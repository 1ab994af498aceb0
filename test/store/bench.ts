import { randomUUID } from "node:crypto";
import type {
  ClaimAnswer,
  ClaimCall,
  EndKind,
  FinishAnswer,
  FinishCall,
  HeartbeatCall,
} from "../../src/domain/calls.ts";
import { addMs, type Instant } from "../../src/domain/instant.ts";
import type { RecordKey } from "../../src/domain/key.ts";
import type { Policy, Proof, StoredRecord } from "../../src/domain/record.ts";
import type { Swept } from "../../src/store/store.ts";
import { claimOf, finishOf, freshToken, heartbeatOf, POLICY } from "../support/records.ts";
import { claimWords, finishWords, heartbeatWords } from "../support/words.ts";
import type { StoreUnderTest } from "./contract.ts";

/** What a caller that acquired was handed. */
export interface Lease extends Proof {
  readonly claimId: string;
  readonly due: Instant;
  readonly attempt: number;
  readonly record: StoredRecord;
}

/** One record of its own, its callers, and the clock. Calls that are not told otherwise are made by strangers. */
export interface Bench {
  readonly key: RecordKey;
  now(): Instant;
  advance(ms: number): void;
  moveTo(instant: Instant): void;
  claim(change?: Partial<ClaimCall>): Promise<ClaimAnswer>;
  /** `claim`, in the words of the contract. */
  claimed(change?: Partial<ClaimCall>): Promise<string>;
  /** `claim` that must acquire. */
  acquire(change?: Partial<ClaimCall>): Promise<Lease>;
  heartbeat(proof: Proof, change?: Partial<HeartbeatCall>): Promise<string>;
  finish(proof: Proof, kind: EndKind, change?: Partial<FinishCall>): Promise<FinishAnswer>;
  /** `finish`, in the words of the contract. */
  finished(proof: Proof, kind: EndKind, change?: Partial<FinishCall>): Promise<string>;
  /** null when absent or forgotten. */
  find(): Promise<StoredRecord | null>;
  /** The record, which must be there. */
  peek(): Promise<StoredRecord>;
  /** What was done to records; what a round has counted is left out. */
  sweep(upTo?: Instant): Promise<Omit<Swept, "round">>;
}

const NEVER = Number.POSITIVE_INFINITY;

export const freshKey = (): RecordKey => ({ tenant: "default", scope: "contract", key: randomUUID() });

/** The policy of the contract's defaults, but for what the test is about. */
export const policyOf = (change: Partial<Policy>): Policy => ({ ...POLICY, ...change });

export function createBench(under: StoreUnderTest, key: RecordKey = freshKey()): Bench {
  const { store } = under;
  const claim = (change: Partial<ClaimCall> = {}) =>
    store.claim(claimOf({ key, claimId: randomUUID(), token: freshToken(), ...change }), NEVER);
  const finish = (proof: Proof, kind: EndKind, change: Partial<FinishCall> = {}) =>
    store.finish(finishOf({ key, proof: { token: proof.token, fence: proof.fence }, kind, ...change }), NEVER);
  const find = async () => (await store.peek(key, NEVER)).record;

  return {
    key,
    now: () => under.now(),
    advance: (ms) => under.setNow(addMs(under.now(), ms)),
    moveTo: (instant) => under.setNow(instant),
    claim,
    claimed: async (change) => claimWords(await claim(change)),
    async acquire(change) {
      const answer = await claim(change);
      if (answer.kind !== "acquired") throw new Error(`not acquired: ${claimWords(answer)}`);
      const { record } = answer;
      return { ...record.lease, claimId: record.claimId, due: record.due, attempt: record.attempt, record };
    },
    async heartbeat(proof, change = {}) {
      const call = heartbeatOf({ key, proof: { token: proof.token, fence: proof.fence }, ...change });
      return heartbeatWords(await store.heartbeat(call, NEVER));
    },
    finish,
    finished: async (proof, kind, change) => finishWords(await finish(proof, kind, change)),
    find,
    async peek() {
      const record = await find();
      if (record === null) throw new Error("there is no record");
      return record;
    },
    async sweep(upTo) {
      const { round, ...done } = await store.sweep(10_000, upTo);
      return done;
    },
  };
}
