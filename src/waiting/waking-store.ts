import type { ClaimAnswer, ClaimCall } from "../domain/calls.ts";
import type { RecordKey } from "../domain/key.ts";
import { isOwnLease } from "../domain/record.ts";
import type { OperatorAnswer, PurgeCall } from "../store/operator-store.ts";
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
 * wakes again: of the first call only the end may have come about, because its connection or its server was lost. An
 * operator's change whose answer was lost wakes at once, because nobody makes it again by itself.
 */
export function createWakingStore({ store, hub, notifier }: WakingStoreDeps): Store {
  const wake = (key: RecordKey, isFlagged: boolean) => {
    hub.wake(key);
    if (isFlagged) notifier.notify(wakeId(key));
  };

  /** Also when nobody knows whether it was made: who looks for nothing looks once more. */
  const wakeAfter = async <Answer>(
    change: Promise<Answer>,
    changedBy: (answer: Answer) => readonly RecordKey[],
    named: RecordKey | null,
  ): Promise<Answer> => {
    try {
      const answer = await change;
      // Whether somebody had flagged what is purged went with it.
      for (const key of changedBy(answer)) wake(key, true);
      return answer;
    } catch (error) {
      if (named !== null) wake(named, true);
      throw error;
    }
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

    release: (call, deadline) => wakeAfter(store.release(call, deadline), changedRecords, call.key),
    resolve: (call, deadline) => wakeAfter(store.resolve(call, deadline), changedRecords, call.key),
    reset: (call, deadline) => wakeAfter(store.reset(call, deadline), changedRecords, call.key),
    purge: (call, deadline) => wakeAfter(store.purge(call, deadline), ({ keys }) => keys, keyNamedBy(call)),
  };
}

function changedRecords(answer: OperatorAnswer): readonly RecordKey[] {
  return answer.kind === "changed-record" ? [answer.record.key] : [];
}

/** Null: a purge of many, of which those that may be gone are not known. */
function keyNamedBy({ tenant, scope, key }: PurgeCall): RecordKey | null {
  return scope === null || key === null ? null : { tenant, scope, key };
}

type Changed = Extract<ClaimAnswer, { readonly record: unknown }>;

/** It acquired, or it found the attempts used up and has stored that. */
function hasChanged(answer: ClaimAnswer, { token }: ClaimCall): answer is Changed {
  if (answer.kind === "acquired") return answer.reason !== "reattached" || isOwnLease(answer.record, token);
  return answer.kind === "failed" && answer.record.reason === "max-attempts" && answer.record.endTime === answer.now;
}
