import type { FairQueue } from "./fair-queue.ts";
import type { WaitingCall } from "./waiting-call.ts";

/**
 * Answers a call of the leader's key that was queued before the leader was sent from what the leader was told; null: it
 * must be sent itself.
 */
export type Follow<Call, Answer> = (answer: Answer, leader: Call, follower: Call) => Answer | null;

export interface Following<Call, Answer> {
  readonly follow: Follow<Call, Answer>;
  /** How many calls had come when the leader was sent. */
  readonly sent: number;
}

/** Answers those that wait behind a leader who has just been told. */
export function answerFollowers<Call, Answer>(
  queue: FairQueue<WaitingCall<Call, Answer>>,
  leader: WaitingCall<Call, Answer>,
  answer: Answer,
  { follow, sent }: Following<Call, Answer>,
): void {
  queue.takeOfKey(leader, (follower) => {
    // Whoever came later may know that the record has changed since.
    if (follower.order >= sent) return false;
    try {
      const own = follow(answer, leader.call, follower.call);
      if (own !== null) follower.answer(own);
      return own !== null;
    } catch (error) {
      follower.fail(error);
      return true;
    }
  });
}
