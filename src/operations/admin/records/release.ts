import type { Caller } from "../../access.ts";
import { type ChangeRecordDeps, type ChangeRecordInput, changeRecord } from "./change.ts";
import type { RecordView } from "./view.ts";

export type ForceRelease = (caller: Caller, input: ChangeRecordInput) => Promise<RecordView>;

/** Takes the lease of a record in progress away. Throws as `changeRecord`. */
export function createForceRelease(deps: ChangeRecordDeps): ForceRelease {
  return (caller, input) =>
    changeRecord(deps, caller, input, "release", (store, call, deadline) => store.release(call, deadline));
}
