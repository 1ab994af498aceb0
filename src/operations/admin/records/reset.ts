import type { SeenState } from "../../../domain/record.ts";
import type { Caller } from "../../access.ts";
import { type ChangeRecordDeps, type ChangeRecordInput, changeRecord } from "./change.ts";
import type { RecordView } from "./view.ts";

export interface ResetRecordInput extends ChangeRecordInput {
  /** Also while a lease is live. */
  readonly force: boolean;
  /** Null: that of the record as it is found where its fence is asked for too, and whichever it is in otherwise. */
  readonly expectedState: SeenState | null;
}

export type ResetRecord = (caller: Caller, input: ResetRecordInput) => Promise<RecordView>;

/**
 * Makes the next claim a first claim. A record that has ended since it was looked at is RECORD_CHANGED too, where the look
 * is known: an end raises no fence, and what has come by it must not be wiped unseen. Throws as `changeRecord`.
 */
export function createResetRecord(deps: ChangeRecordDeps): ResetRecord {
  return (caller, { force, expectedState, ...input }) =>
    changeRecord(deps, caller, input, "reset", (store, call, deadline, found) =>
      store.reset({ ...call, force, state: expectedState ?? found }, deadline),
    );
}
