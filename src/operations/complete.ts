import type { FinishCall } from "../domain/calls.ts";
import type { Caller } from "./access.ts";
import { type FinishDeps, type FinishOutcome, finish } from "./finish.ts";

export interface CompleteInput extends Pick<FinishCall, "key" | "proof"> {
  /** The encoded result, canonical. */
  readonly result: Uint8Array;
}

export type Complete = (caller: Caller, input: CompleteInput) => Promise<FinishOutcome>;

export function createComplete(deps: FinishDeps): Complete {
  return (caller, input) =>
    finish(deps, caller, input, { kind: "complete", outcome: input.result, delayMs: 0, checkpoint: null });
}
