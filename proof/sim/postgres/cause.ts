import type { ClaimCall, FinishCall, HeartbeatCall, WatchCall } from "../../../src/domain/calls.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { SeenState, StoredRecord } from "../../../src/domain/record.ts";
import type { Verdict } from "../../../src/domain/reducer/operator.ts";

/** What made a statement change a record. `at` is the database's own clock at its decision, whatever the statement used. */
export type Cause =
  | { readonly kind: "claim"; readonly call: ClaimCall; readonly at: Instant; readonly fenceFloor: bigint }
  | { readonly kind: "heartbeat"; readonly call: HeartbeatCall; readonly at: Instant }
  | { readonly kind: "finish"; readonly call: FinishCall; readonly at: Instant }
  | { readonly kind: "watch"; readonly call: WatchCall; readonly at: Instant }
  | { readonly kind: "release" | "reset" | "resolve"; readonly call: OperatorChange; readonly at: Instant }
  | { readonly kind: "settle" | "forget" | "abandon" | "empty"; readonly at: Instant }
  | { readonly kind: "purge"; readonly force: boolean; readonly at: Instant };

export interface OperatorChange {
  readonly fence: bigint;
  readonly token: Uint8Array;
  readonly force: boolean;
  readonly state: SeenState | null;
  readonly verdict: Verdict;
}

export interface Change {
  /** Where it is stored. */
  readonly row: string;
  /** Of the call that made the change. */
  readonly key: RecordKey;
  /** Null: deleted. */
  readonly record: StoredRecord | null;
  readonly cause: Cause;
}
