import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import type { ClaimCall, EndKind, FinishCall, HeartbeatCall } from "../../../src/domain/calls.ts";
import { compareKeys, type RecordKey } from "../../../src/domain/key.ts";
import type { Proof, StoredRecord } from "../../../src/domain/record.ts";
import { decideClaim } from "../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../src/domain/reducer/heartbeat.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { runFinishes } from "../../../src/store/postgres/finish.ts";
import { runHeartbeats } from "../../../src/store/postgres/heartbeat.ts";
import { runPeeks } from "../../../src/store/postgres/peek.ts";
import { runReclaims } from "../../../src/store/postgres/reclaim.ts";
import { runReconciles } from "../../../src/store/postgres/reconcile.ts";
import { createServerTime, type ServerTime } from "../../../src/store/postgres/server-time.ts";
import { runSettles } from "../../../src/store/postgres/settle.ts";
import { runWatches } from "../../../src/store/postgres/watch.ts";
import {
  bytes,
  claimIdOf,
  claimOf,
  fingerprintOf,
  finishOf,
  HOLDER,
  heartbeatOf,
  NO_FINGERPRINT,
  NOW,
  SUSPECT,
} from "../../support/records.ts";
import { STATES } from "../../unit/domain/reducer/states.ts";
import { openSessions, type Sessions } from "./sessions.ts";
import { putAll } from "./stored.ts";

/**
 * Each statement by itself, on a record in every state: a claim that goes to reclaim.sql was read by claim.sql before, so
 * there only a race shows what reclaim.sql alone keeps from being taken. It must be what the reducer keeps.
 */

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const time = createServerTime({ clock: systemClock, asOf: () => NOW });

type Run<Call, Answer> = (
  connection: Connection,
  calls: readonly Call[],
  time: ServerTime,
) => Promise<readonly (Answer | null)[]>;

/** A record as it is stored, or would be; and what its call is answered, null if it is to be looked into by others. */
interface Outcome {
  readonly answer: unknown;
  readonly record: StoredRecord | null;
}

/** By the name of the state. */
type Outcomes = Readonly<Record<string, Outcome>>;

/** Runs one call for each state, all in one batch, and says what the reducer would have made of each. */
async function play<Call extends { readonly key: RecordKey }, Answer>(
  run: Run<Call, Answer>,
  callOf: (key: RecordKey, record: StoredRecord | null) => Call,
  decide: (record: StoredRecord | null, call: Call) => Outcome,
): Promise<{ readonly found: Outcomes; readonly expected: Outcomes }> {
  const scope = randomUUID();
  const played = Object.entries(STATES)
    .map(([name, state]) => {
      const key = { tenant: "default", scope, key: name };
      const record = state === null ? null : { ...state, key };
      return { name, record, call: callOf(key, record) };
    })
    .toSorted((a, b) => compareKeys(a.call.key, b.call.key));
  await putAll(
    sessions.a,
    played.flatMap(({ record }) => record ?? []),
  );
  const calls = played.map(({ call }) => call);
  const answers = await run(sessions.a, calls, time);
  const stored = await runPeeks(sessions.a, calls, time);
  const outcomes = (of: (one: (typeof played)[number], i: number) => Outcome) =>
    Object.fromEntries(played.map((one, i) => [one.name, of(one, i)]));
  return {
    found: outcomes((_, i) => ({ answer: answers[i] ?? null, record: stored[i]?.stored ?? null })),
    expected: outcomes(({ record, call }) => decide(record, call)),
  };
}

function byReducer(record: StoredRecord | null, call: ClaimCall): Outcome {
  const { answer, next } = decideClaim(record, call, NOW, 0n);
  // What is not there is for claim.sql to create.
  return record === null && next !== null ? { answer: null, record: null } : { answer, record: next ?? record };
}

describe("a claim that reclaim.sql alone decides", () => {
  test.each<readonly [string, Partial<ClaimCall>]>([
    ["of a stranger", {}],
    ["of a stranger who retries what has failed", { reuse: "retry-failed" }],
    ["of a stranger who wants nothing to exist", { reuse: "reject" }],
    ["of a stranger with another payload", { fingerprint: fingerprintOf("another payload") }],
    ["of a stranger who may acquire nothing", { mayAcquire: "nothing" }],
    ["of a stranger who may acquire what exists", { mayAcquire: "existing" }],
    ["of the holder", { claimId: claimIdOf("holder") }],
    ["of the holder, who may acquire nothing", { claimId: claimIdOf("holder"), mayAcquire: "nothing" }],
    ["of the holder with another payload", { claimId: claimIdOf("holder"), fingerprint: fingerprintOf("another") }],
  ])("%s is answered and stored as by the reducer, whatever state the record is in", async (_, change) => {
    const { found, expected } = await play(runReclaims, (key) => claimOf({ key, ...change }), byReducer);
    expect(found).toEqual(expected);
  });
});

describe("a claim to reconcile", () => {
  test.each<readonly [string, Partial<ClaimCall>]>([
    ["of a stranger", {}],
    ["of a stranger who does not know the payload", { fingerprint: NO_FINGERPRINT }],
    ["of a stranger with another payload", { fingerprint: fingerprintOf("another payload") }],
    ["of a stranger who may acquire nothing", { mayAcquire: "nothing" }],
    ["of the holder", { claimId: claimIdOf("holder") }],
  ])("%s is answered and stored as by the reducer, whatever state the record is in", async (_, change) => {
    const callOf = (key: RecordKey) => claimOf({ key, intent: "reconcile", ...change });
    const { found, expected } = await play(runReconciles, callOf, byReducer);
    expect(found).toEqual(expected);
  });
});

const PROOFS: Readonly<Record<string, Proof>> = {
  "the holder": HOLDER,
  "the suspect": SUSPECT,
  "the holder's token under the next fence": { ...HOLDER, fence: HOLDER.fence + 1n },
  "the holder's token under the suspect's fence": { ...HOLDER, fence: SUSPECT.fence },
  "the suspect's token under the holder's fence": { ...SUSPECT, fence: HOLDER.fence },
};

const byProof = Object.entries(PROOFS);

describe("a heartbeat", () => {
  test.each(byProof)("of %s is answered and stored as by the reducer, in every state", async (_, proof) => {
    const change = { checkpoint: { sequence: 1n, encoded: bytes("half") }, progress: bytes("1/2"), externalRef: "ref" };
    const callOf = (key: RecordKey): HeartbeatCall => heartbeatOf({ key, proof, ...change });
    const { found, expected } = await play(runHeartbeats, callOf, (record, call) => {
      const { answer, next } = decideHeartbeat(record, call, NOW);
      return { answer, record: next ?? record };
    });
    expect(found).toEqual(expected);
  });
});

describe("an end", () => {
  const kinds: readonly EndKind[] = ["complete", "terminal", "retryable", "not-started", "outcome-unknown"];

  const finished = (callOf: (key: RecordKey, record: StoredRecord | null) => FinishCall) =>
    play(runFinishes, callOf, (record, call) => {
      const { answer, next } = decideFinish(record, call, NOW);
      return { answer, record: next ?? record };
    });

  test.each(byProof.flatMap(([who, proof]) => kinds.map((kind) => [kind, who, proof] as const)))(
    "%s by %s is answered and stored as by the reducer, in every state",
    async (kind, _, proof) => {
      const checkpoint = { sequence: 1n, encoded: bytes("half") };
      const { found, expected } = await finished((key) => finishOf({ key, proof, kind, checkpoint }));
      expect(found).toEqual(expected);
    },
  );

  test.each(kinds)("%s that is a repeat is already applied where the reducer says so", async (kind) => {
    const { found, expected } = await finished((key, record) =>
      finishOf({ key, kind, proof: record?.lease ?? HOLDER, ...(record?.endDigest && { digest: record.endDigest }) }),
    );
    expect(found).toEqual(expected);
  });

  test.each([0, 1])("that is to hit a lease of that end alone misses by %i microseconds, or hits", async (missMs) => {
    const { found, expected } = await finished((key, record) =>
      finishOf({ key, kind: "not-started", outcome: null, onlyIfDue: (record?.due ?? NOW) + missMs }),
    );
    expect(found).toEqual(expected);
  });

  test.each(["retryable", "not-started"] as const)(
    "%s with too long a delay is refused in every state",
    async (kind) => {
      const { found, expected } = await finished((key, record) =>
        finishOf({ key, kind, delayMs: (record?.policy.resultRetentionMs ?? 0) + 1 }),
      );
      expect(found).toEqual(expected);
    },
  );
});

test("used-up attempts are settled where a claim would find them over, and nothing else is", async () => {
  const { found, expected } = await play(
    async (connection, calls: readonly { readonly key: RecordKey; readonly fence: bigint }[]) => {
      const settled = await runSettles(connection, calls, time);
      return settled.map((one) => (one === null ? null : { record: one.record, now: one.now }));
    },
    (key, record) => ({ key, fence: record?.lease.fence ?? 1n }),
    (record, { key }) => {
      const { answer, next } = decideClaim(record, claimOf({ key }), NOW, 0n);
      const isSettled = answer.kind === "failed" && next !== null;
      return { answer: isSettled ? { record: next, now: NOW } : null, record: isSettled ? next : record };
    },
  );
  expect(found).toEqual(expected);
});

test("the flag of those who wait is set on what is open, and on nothing else", async () => {
  const { found, expected } = await play(
    async (connection, calls: Parameters<typeof runWatches>[1]) => runWatches(connection, calls),
    (key, record) => ({ key, state: record?.state ?? "in-progress", fence: record?.lease.fence ?? 1n }),
    (record) => {
      const isOpen = record !== null && record.endTime === null;
      return { answer: isOpen, record: isOpen ? { ...record, hasWaiters: true } : record };
    },
  );
  expect(found).toEqual(expected);
});
