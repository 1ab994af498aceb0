import type { Store } from "../../src/store/store.ts";
import { claimCall, completeCall } from "../calls.ts";
import { createNames, nameOf } from "./messages.ts";

const NEVER = Number.POSITIVE_INFINITY;
const ENDED = "store-ended";

/** A claim of a new key, and its completion, through the store. */
export function createStorePairs(store: Store): () => Promise<void> {
  const newName = createNames();
  return async () => {
    const claimed = await store.claim(claimCall(newName()), NEVER);
    await store.finish(completeCall(claimed), NEVER);
  };
}

/** Claims of so many keys that have ended, through the store. */
export async function createStoreReplays(store: Store, keys: number): Promise<() => Promise<void>> {
  const ends = Array.from({ length: keys }, async (_, i) =>
    store.finish(completeCall(await store.claim(claimCall(nameOf(ENDED, i)), NEVER)), NEVER),
  );
  await Promise.all(ends);
  return async () => {
    const answer = await store.claim(claimCall(nameOf(ENDED, Math.floor(Math.random() * keys))), NEVER);
    if (answer.kind !== "completed") throw new Error(`a replay was answered ${answer.kind}`);
  };
}
