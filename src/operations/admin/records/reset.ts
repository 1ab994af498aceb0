import type { Caller } from "../../access.ts";
import { type ChangeRecordDeps, type ChangeRecordInput, changeRecord } from "./change.ts";
import type { RecordView } from "./view.ts";

export interface ResetRecordInput extends ChangeRecordInput {
  /** Also while a lease is live. */
  readonly force: boolean;
}

export type ResetRecord = (caller: Caller, input: ResetRecordInput) => Promise<RecordView>;

/** Makes the next claim a first claim. Throws as `changeRecord`. */
export function createResetRecord(deps: ChangeRecordDeps): ResetRecord {
  return (caller, { force, ...input }) =>
    changeRecord(deps, caller, input, "reset", (store, call, deadline) => store.reset({ ...call, force }, deadline));
}
