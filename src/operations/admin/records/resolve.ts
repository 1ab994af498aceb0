import type { Verdict } from "../../../store/operator-store.ts";
import type { Caller } from "../../access.ts";
import { type ChangeRecordDeps, type ChangeRecordInput, changeRecord } from "./change.ts";
import type { RecordView } from "./view.ts";

export interface ResolveOutcomeInput extends ChangeRecordInput {
  /** The encoded result or error, canonical, as Complete and Fail have it: nobody can tell by a replay who has said it. */
  readonly verdict: Verdict;
  /** Also while a reconciler is looking into it. */
  readonly force: boolean;
}

export type ResolveOutcome = (caller: Caller, input: ResolveOutcomeInput) => Promise<RecordView>;

/** Says what an unknown outcome was. Throws as `changeRecord`. */
export function createResolveOutcome(deps: ChangeRecordDeps): ResolveOutcome {
  return (caller, { verdict, force, ...input }) =>
    changeRecord(deps, caller, input, "resolve", (store, call, deadline) =>
      store.resolve({ ...call, verdict, force }, deadline),
    );
}
