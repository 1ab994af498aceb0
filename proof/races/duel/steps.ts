import type {
  ClaimAnswer,
  ClaimCall,
  FinishAnswer,
  FinishCall,
  HeartbeatAnswer,
  HeartbeatCall,
} from "../../../src/domain/calls.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { decideClaim } from "../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../src/domain/reducer/heartbeat.ts";
import type { Store } from "../../../src/store/store.ts";
import { claimWords, finishWords, heartbeatWords } from "../../../test/support/words.ts";
import { NEVER } from "../stand/records.ts";

/** What one side of a race asks of the store. */
export type Move =
  | { readonly kind: "claim"; readonly call: ClaimCall }
  | { readonly kind: "heartbeat"; readonly call: HeartbeatCall }
  | { readonly kind: "finish"; readonly call: FinishCall };

export type Answer = ClaimAnswer | HeartbeatAnswer | FinishAnswer;

/** And what it was told. */
export type Step =
  | { readonly kind: "claim"; readonly call: ClaimCall; readonly answer: ClaimAnswer }
  | { readonly kind: "heartbeat"; readonly call: HeartbeatCall; readonly answer: HeartbeatAnswer }
  | { readonly kind: "finish"; readonly call: FinishCall; readonly answer: FinishAnswer };

export async function play(store: Store, move: Move): Promise<Step> {
  switch (move.kind) {
    case "claim":
      return { ...move, answer: await store.claim(move.call, NEVER) };
    case "heartbeat":
      return { ...move, answer: await store.heartbeat(move.call, NEVER) };
    case "finish":
      return { ...move, answer: await store.finish(move.call, NEVER) };
  }
}

export interface Decision {
  readonly answer: Answer;
  readonly next: StoredRecord | null;
}

/** What the contract says of a step over a record, at the instant that the answer itself names. */
export function decide(stored: StoredRecord | null, step: Move, now: Instant): Decision {
  switch (step.kind) {
    case "claim":
      return decideClaim(stored, step.call, now, 0n);
    case "heartbeat":
      return decideHeartbeat(stored, step.call, now);
    case "finish":
      return decideFinish(stored, step.call, now);
  }
}

/** In the words of the contract. */
export function wordsOf(step: Step): string {
  switch (step.kind) {
    case "claim":
      return `${step.call.intent === "reconcile" ? "reconciling claim" : "claim"}: ${claimWords(step.answer)}`;
    case "heartbeat":
      return `heartbeat: ${heartbeatWords(step.answer)}`;
    case "finish":
      return `${step.call.kind}: ${finishWords(step.answer)}`;
  }
}

/** The call has ended an attempt, and did not merely repeat what had ended it. */
export function isAccepted(step: Step): boolean {
  return step.kind === "finish" && step.answer.kind === "ended" && !step.answer.alreadyApplied;
}

/** It is a fresh lease. */
export function isTakenOver(step: Step): boolean {
  return step.answer.kind === "acquired" && step.answer.reason !== "reattached";
}
