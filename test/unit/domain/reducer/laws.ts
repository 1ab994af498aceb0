import { expect } from "vitest";
import { addMs } from "../../../../src/domain/instant.ts";
import { hasEnded, isForgotten, type StoredRecord, sameBytes, sameProof } from "../../../../src/domain/record.ts";
import { bytes, claimOf, DAY, heartbeatOf } from "../../../support/records.ts";
import { REDUCER, type Reducer, type Transition } from "./history.ts";

/** What holds over every sequence of calls to one record. */
export interface Law {
  readonly name: string;
  /** Throws where the law is broken. */
  readonly check: (history: readonly Transition[], reducer: Reducer) => void;
  /** A fault that the law must catch: a law that nothing can break says nothing. */
  readonly broken: Partial<Reducer>;
}

const each =
  (check: (transition: Transition, reducer: Reducer) => void) => (history: readonly Transition[], reducer: Reducer) => {
    for (const transition of history) check(transition, reducer);
  };

const isAcquired = ({ answer }: Transition) => answer?.kind === "acquired" && answer.reason !== "reattached";
const endedNow = ({ answer }: Transition) => answer?.kind === "ended" && !answer.alreadyApplied;

const withNext =
  <Args extends readonly unknown[], Decision extends { readonly next: StoredRecord | null }>(
    decide: (...args: Args) => Decision,
    change: (next: StoredRecord, args: Args) => StoredRecord,
  ) =>
  (...args: Args): Decision => {
    const decision = decide(...args);
    return decision.next === null ? decision : { ...decision, next: change(decision.next, args) };
  };

export const LAWS: readonly Law[] = [
  {
    name: "at most one proof of all that were handed out is accepted by a heartbeat",
    check: each(({ after, granted, now }, { decideHeartbeat }) => {
      const accepted = granted.filter(
        ({ key, proof }) => decideHeartbeat(after, heartbeatOf({ key, proof }), now).answer.kind === "extended",
      );
      expect(new Set(accepted.map(({ proof }) => proof.fence)).size).toBeLessThanOrEqual(1);
      for (const { proof } of accepted) expect(after !== null && sameProof(proof, after.lease)).toBe(true);
    }),
    broken: {
      decideHeartbeat: (stored, call, now) => {
        const proof = stored !== null && call.proof.fence < stored.lease.fence ? stored.lease : call.proof;
        return REDUCER.decideHeartbeat(stored, { ...call, proof }, now);
      },
    },
  },
  {
    name: "an ended record changes only by retry, reset, or being forgotten",
    check: each((transition) => {
      const { before, after, call, now } = transition;
      if (before === null || !hasEnded(before) || isForgotten(before, now)) return;
      if (call.op === "reset" || call.op === "purge") return;
      if (call.op === "claim" && call.call.reuse === "retry-failed" && before.state === "failed") return;
      expect(after).toEqual(before);
    }),
    broken: {
      decideFinish: (stored, call, now) => {
        const open = stored === null ? null : ({ ...stored, state: "in-progress" } as const);
        return REDUCER.decideFinish(open, call, now);
      },
    },
  },
  {
    name: "every new lease, release, resolution and reset has a fence above all before it",
    check: (history) => {
      let highest = 0n;
      for (const transition of history) {
        const { before, after, call, wrote } = transition;
        const raises = isAcquired(transition) || (wrote && ["release", "resolve", "reset"].includes(call.op));
        if (raises) expect(after?.lease.fence).toBeGreaterThan(highest);
        else if (before !== null && after !== null) expect(after.lease.fence).toBe(before.lease.fence);
        if (after !== null && after.lease.fence > highest) highest = after.lease.fence;
      }
    },
    broken: { decideClaim: (stored, call, now) => REDUCER.decideClaim(stored, call, now, 0n) },
  },
  {
    name: "a replay is what was completed, as long as the record is the same",
    check: (history) => {
      let completed: StoredRecord | null = null;
      for (const transition of history) {
        const { answer, after } = transition;
        const completes = endedNow(transition) || (transition.wrote && transition.call.op === "resolve");
        if (completes && after?.state === "completed") completed = after;
        if (answer?.kind !== "completed") continue;
        expect([answer.record.outcome, answer.record.endTime]).toEqual([completed?.outcome, completed?.endTime]);
      }
    },
    broken: {
      decideClaim: (stored, call, now, floor) => {
        const seen = stored?.state === "completed" ? { ...stored, outcome: bytes(call.claimId) } : stored;
        return REDUCER.decideClaim(seen, call, now, floor);
      },
    },
  },
  {
    name: "nothing unfinished is forgotten by time, and everything ended is",
    check: each(({ after }) => {
      if (after !== null) expect(Number.isFinite(after.forgetAt)).toBe(hasEnded(after));
    }),
    broken: {
      decideFinish: withNext(REDUCER.decideFinish, (next, [, , now]) => ({ ...next, forgetAt: addMs(now, 2 * DAY) })),
    },
  },
  {
    name: "whoever is not given a lease and ends nothing writes nothing, but for attempts used up",
    check: each(({ answer, wrote, after, now }) => {
      if (answer === null) return;
      const settled = answer.kind === "failed" && after?.reason === "max-attempts" && after.endTime === now;
      const mayWrite =
        ["acquired", "extended"].includes(answer.kind) || (answer.kind === "ended" && !answer.alreadyApplied);
      if (!settled) expect(wrote).toBe(mayWrite);
    }),
    broken: {
      decideClaim: (stored, call, now, floor) => {
        const decision = REDUCER.decideClaim(stored, call, now, floor);
        return decision.answer.kind === "completed" ? { ...decision, next: stored } : decision;
      },
    },
  },
  {
    name: "no attempt is counted below 0 or above the limit",
    check: each(({ after }) => {
      if (after === null) return;
      expect(after.attempt).toBeGreaterThanOrEqual(after.state === "in-progress" ? 1 : 0);
      if (after.policy.maxAttempts > 0) expect(after.attempt).toBeLessThanOrEqual(after.policy.maxAttempts);
    }),
    broken: {
      decideFinish: withNext(REDUCER.decideFinish, (next, [, call]) =>
        call.kind === "not-started" ? { ...next, attempt: next.attempt - 1 } : next,
      ),
    },
  },
  {
    name: "an accepted end is already applied when repeated, and refused with other content",
    check: each((transition) => {
      const { call, after, now } = transition;
      if (call.op !== "finish" || !endedNow(transition) || after?.state === "outcome-unknown") return;
      const repeated = REDUCER.decideFinish(after, call.call, now + 1);
      expect(repeated).toMatchObject({ answer: { alreadyApplied: true, state: after?.state }, next: null });
      const other = REDUCER.decideFinish(after, { ...call.call, digest: bytes("other") }, now + 1);
      const code = after?.state === "available" ? "INVALID_STATE" : "RESULT_CONFLICT";
      expect(other).toMatchObject({ answer: { kind: "fault", code }, next: null });
    }),
    broken: { decideFinish: withNext(REDUCER.decideFinish, (next) => ({ ...next, endDigest: null })) },
  },
  {
    name: "under HOLD nobody executes again without a verdict",
    check: each((transition) => {
      const { answer, before } = transition;
      if (answer?.kind !== "acquired" || answer.reason !== "takeover") return;
      expect(before).toMatchObject({ state: "in-progress", suspect: null, policy: { hold: false } });
    }),
    broken: {
      decideClaim: (stored, call, now, floor) => {
        const unheld = stored === null ? null : { ...stored, policy: { ...stored.policy, hold: false } };
        return REDUCER.decideClaim(unheld === null ? null : { ...unheld, suspect: null }, call, now, floor);
      },
    },
  },
  {
    name: "no record is stuck: in the end it is executed again, failed, forgotten, or waits for a reconciler",
    check: each(({ after, now }) => {
      if (after === null) return;
      const muchLater = addMs(now, 400 * DAY);
      const fingerprint = after.fingerprint ?? claimOf().fingerprint;
      const stranger = claimOf({ key: after.key, fingerprint });
      const kind = REDUCER.decideClaim(after, stranger, muchLater, 0n).answer.kind;
      if (kind === "acquired" || kind === "failed") return;
      expect(kind).toBe("outcome-unknown");
      const reconciler = REDUCER.decideClaim(after, { ...stranger, intent: "reconcile" }, muchLater, 0n);
      expect(reconciler.answer).toMatchObject({ kind: "acquired", reason: "reconcile" });
    }),
    broken: {
      decideFinish: withNext(REDUCER.decideFinish, (next) =>
        next.state === "available" ? { ...next, due: Number.POSITIVE_INFINITY } : next,
      ),
    },
  },
  {
    name: "a heartbeat or reattach never shortens a lease",
    check: each(({ answer, before, after }) => {
      const extends_ = answer?.kind === "extended" || (answer?.kind === "acquired" && answer.reason === "reattached");
      if (extends_) expect(after?.due).toBeGreaterThanOrEqual(before?.due ?? Number.POSITIVE_INFINITY);
    }),
    broken: {
      decideHeartbeat: withNext(REDUCER.decideHeartbeat, (next, [, call, now]) => ({
        ...next,
        due: addMs(now, call.leaseMs),
      })),
    },
  },
  {
    name: "a checkpoint's sequence never falls within one record's life",
    check: each((transition) => {
      const { before, after, call, now } = transition;
      const anew = before === null || isForgotten(before, now) || before.fingerprint === null || call.op === "reset";
      if (anew || after === null) return;
      expect(after.checkpointSequence).toBeGreaterThanOrEqual(before.checkpointSequence);
      if (after.checkpointSequence !== before.checkpointSequence) return;
      expect(sameBytes(after.checkpoint ?? bytes("-"), before.checkpoint ?? bytes("-"))).toBe(true);
    }),
    broken: {
      decideHeartbeat: withNext(REDUCER.decideHeartbeat, (next, [, call]) => ({
        ...next,
        checkpoint: call.checkpoint?.encoded ?? next.checkpoint,
      })),
    },
  },
];
