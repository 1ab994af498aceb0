import type { ClaimAnswer, FinishAnswer, HeartbeatAnswer } from "../../../../src/domain/calls.ts";
import type { Instant } from "../../../../src/domain/instant.ts";
import { isForgotten, type StoredRecord } from "../../../../src/domain/record.ts";
import { decideClaim } from "../../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../../src/domain/reducer/heartbeat.ts";
import {
  decideRelease,
  decideReset,
  decideResolve,
  isHeld,
  type OperatorGuard,
  type Verdict,
} from "../../../../src/domain/reducer/operator.ts";
import { type Call, createPlay, type Granted } from "../../../store/random-play.ts";
import type { Step } from "../../../store/random-steps.ts";
import { NOW, tokenOf } from "../../../support/records.ts";

/** The functions under test, so that a planted fault can take the place of one. */
export const REDUCER = { decideClaim, decideFinish, decideHeartbeat, decideRelease, decideResolve, decideReset };
export type Reducer = typeof REDUCER;

/** One call, and the stored record on either side of it. */
export interface Transition {
  readonly call: Call;
  readonly now: Instant;
  readonly before: StoredRecord | null;
  readonly after: StoredRecord | null;
  /** null for steps that are answered otherwise. */
  readonly answer: ClaimAnswer | HeartbeatAnswer | FinishAnswer | null;
  readonly wrote: boolean;
  /** Every lease handed out so far, this call's included. */
  readonly granted: readonly Granted[];
}

/** Plays the steps of one record over the reducer: what a store does, without one. */
export function historyOf(steps: readonly Step[], reducer: Reducer): readonly Transition[] {
  const play = createPlay("history", 1);
  const transitions: Transition[] = [];
  let stored: StoredRecord | null = null;
  let now = NOW;
  let floor = 0n;

  for (const step of steps) {
    const call = play.callOf(step, now, stored);
    if (call === null) continue;
    const before: StoredRecord | null = stored;
    let answer: Transition["answer"] = null;
    let next: StoredRecord | null = null;
    switch (call.op) {
      case "claim": {
        const decision = reducer.decideClaim(stored, call.call, now, floor);
        if (decision.answer.kind === "acquired") {
          const { key, lease, due } = decision.answer.record;
          play.learn({ key, proof: lease, due });
        }
        ({ answer, next } = decision);
        break;
      }
      case "heartbeat":
        ({ answer, next } = reducer.decideHeartbeat(stored, call.call, now));
        break;
      case "finish":
        ({ answer, next } = reducer.decideFinish(stored, call.call, now));
        break;
      case "release":
        next = reducer.decideRelease(stored, guardOf(stored, false), tokenOf("released"), now).next;
        break;
      case "reset":
        next = reducer.decideReset(stored, guardOf(stored, call.force), tokenOf("reset"), now).next;
        break;
      case "resolve": {
        const guard: OperatorGuard & { verdict: Verdict } = {
          ...guardOf(stored, call.force),
          verdict: call.verdict,
        };
        next = reducer.decideResolve(stored, guard, tokenOf("resolved"), now).next;
        break;
      }
      case "purge":
        if (stored !== null && (call.force || !isHeld(stored, now))) {
          floor = stored.lease.fence > floor ? stored.lease.fence : floor;
          stored = null;
        }
        break;
      case "sweep":
        if (stored !== null && isForgotten(stored, now)) {
          floor = stored.lease.fence > floor ? stored.lease.fence : floor;
          stored = null;
        }
        break;
      case "time":
        now = call.to;
        break;
      case "peek":
      case "watch":
        break;
    }
    stored = next ?? stored;
    transitions.push({ call, now, before, after: stored, answer, wrote: next !== null, granted: [...play.granted] });
  }
  return transitions;
}

function guardOf(stored: StoredRecord | null, force: boolean): OperatorGuard {
  return { fence: stored?.lease.fence ?? 0n, force };
}
