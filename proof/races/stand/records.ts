import { randomBytes } from "node:crypto";
import type { ClaimCall } from "../../../src/domain/calls.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import type { Store } from "../../../src/store/store.ts";
import { claimIdOf, claimOf, freshToken } from "../../../test/support/records.ts";

export const NEVER = Number.POSITIVE_INFINITY;
/** Longer than any race: nobody is woken by the end of a lease. */
export const LONG_MS = 3_600_000;
/** What travels in one statement at most. */
export const BATCH = 256;

const scope = `race-${randomBytes(6).toString("hex")}`;
let made = 0;

export function freshKeys(count: number): readonly RecordKey[] {
  return Array.from({ length: count }, () => ({ tenant: "default", scope, key: `trial-${++made}` }));
}

/** A record that somebody holds, as the claim has left it. */
export async function hold(store: Store, key: RecordKey, change: Partial<ClaimCall>): Promise<StoredRecord> {
  const call = claimOf({ leaseMs: LONG_MS, claimId: claimIdOf("holder"), token: freshToken(), ...change, key });
  const answer = await store.claim(call, NEVER);
  if (answer.kind !== "acquired") throw new Error(`bug: the claim of a fresh record was answered ${answer.kind}`);
  return answer.record;
}

export function holdAll(
  store: Store,
  count: number,
  change: Partial<ClaimCall> = {},
): Promise<readonly StoredRecord[]> {
  return Promise.all(freshKeys(count).map((key) => hold(store, key, change)));
}
