import type { RecordKey } from "../../src/domain/key.ts";
import type { StoredState } from "../../src/domain/record.ts";
import type { ChangeNote, OperatorAnswer, RecordQuery, Verdict } from "../../src/store/operator-store.ts";
import type { Store } from "../../src/store/store.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Somebody who works at night. */
export const OPERATOR: ChangeNote = { actor: "api-key:night-shift", reason: "ticket 4711" };

/** All records of the default tenant. */
export const QUERY: RecordQuery = {
  tenant: "default",
  scope: null,
  keyPrefix: null,
  states: null,
  stuckOnly: false,
  olderThanMs: null,
  newerThanMs: null,
  withOutcomes: false,
  after: null,
  limit: 100,
};

/** What an operator does to a record as it is now. The state afterwards; null: it was refused. */
export async function releaseRecord(store: Store, key: RecordKey): Promise<StoredState | null> {
  return stateAfter(await store.release({ ...OPERATOR, key, fence: await fenceOf(store, key) }, NEVER));
}

/** True: it was reset. */
export async function resetRecord(store: Store, key: RecordKey, force: boolean): Promise<boolean> {
  return stateAfter(await store.reset({ ...OPERATOR, key, fence: await fenceOf(store, key), force }, NEVER)) !== null;
}

export async function resolveRecord(
  store: Store,
  key: RecordKey,
  verdict: Verdict,
  force = false,
): Promise<StoredState | null> {
  const fence = await fenceOf(store, key);
  return stateAfter(await store.resolve({ ...OPERATOR, key, fence, force, verdict }, NEVER));
}

/** Of no record it is one that no record has. */
export async function fenceOf(store: Pick<Store, "peek">, key: RecordKey): Promise<bigint> {
  return (await store.peek(key, NEVER)).record?.lease.fence ?? 0n;
}

function stateAfter(answer: OperatorAnswer): StoredState | null {
  return answer.kind === "changed-record" ? answer.record.state : null;
}
