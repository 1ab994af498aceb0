import type { ClaimAnswer, ClaimCall } from "../domain/calls.ts";
import type { RecordKey } from "../domain/key.ts";
import { isOwnLease } from "../domain/record.ts";
import type { OperatorAnswer } from "../store/operator-store.ts";
import type { Store } from "../store/store.ts";
import type { Hub } from "./hub.ts";
import type { Notifier } from "./notifier.ts";
import { wakeId } from "./wake-id.ts";

export interface WakingStoreDeps {
  readonly store: Store;
  readonly hub: Pick<Hub, "wake">;
  readonly notifier: Pick<Notifier, "notify">;
}

/**
 * A store that, once a change is durable, wakes whoever waits for the record: on this server directly, and on the others
 * by a notification if somebody has flagged it. Where nobody waits this costs one look at a boolean.
 *
 * Bare extensions and reattached claims change nothing that a waiter would be told; they wake nobody. The repeat of an end
 * wakes again: of the first call only the end may have come about, because its connection or its server was lost.
 */
export function createWakingStore({ store, hub, notifier }: WakingStoreDeps): Store {
  const wake = (key: RecordKey, isFlagged: boolean) => {
    hub.wake(key);
    if (isFlagged) notifier.notify(wakeId(key));
  };

  const wakeAfter = (answer: OperatorAnswer) => {
    if (answer.kind === "changed-record") wake(answer.record.key, true);
    return answer;
  };

  return {
    ...store,

    async claim(call, deadline) {
      const answer = await store.claim(call, deadline);
      if (hasChanged(answer, call)) wake(call.key, answer.record.hasWaiters);
      return answer;
    },

    async heartbeat(call, deadline) {
      const answer = await store.heartbeat(call, deadline);
      const isBare = call.checkpoint === null && call.progress === null && call.externalRef === null;
      if (answer.kind === "extended" && !isBare) wake(call.key, answer.hasWaiters);
      return answer;
    },

    async finish(call, deadline) {
      const answer = await store.finish(call, deadline);
      if (answer.kind === "ended") wake(call.key, answer.hasWaiters);
      return answer;
    },

    release: async (call, deadline) => wakeAfter(await store.release(call, deadline)),
    resolve: async (call, deadline) => wakeAfter(await store.resolve(call, deadline)),
    reset: async (call, deadline) => wakeAfter(await store.reset(call, deadline)),

    async purge(call, deadline) {
      const purged = await store.purge(call, deadline);
      // Whether somebody had flagged it went with the record.
      for (const key of purged.keys) wake(key, true);
      return purged;
    },
  };
}

type Changed = Extract<ClaimAnswer, { readonly record: unknown }>;

/** It acquired, or it found the attempts used up and has stored that. */
function hasChanged(answer: ClaimAnswer, { token }: ClaimCall): answer is Changed {
  if (answer.kind === "acquired") return answer.reason !== "reattached" || isOwnLease(answer.record, token);
  return answer.kind === "failed" && answer.record.reason === "max-attempts" && answer.record.endTime === answer.now;
}
