import type { EndKind, FinishCall } from "../domain/calls.ts";
import type { Caller } from "./access.ts";
import { type FinishDeps, type FinishOutcome, finish } from "./finish.ts";

export interface FailInput extends Pick<FinishCall, "key" | "proof" | "delayMs" | "checkpoint"> {
  readonly kind: Exclude<EndKind, "complete">;
  /** The encoded error, canonical; null when none was reported. */
  readonly error: Uint8Array | null;
}

export type Fail = (caller: Caller, input: FailInput) => Promise<FinishOutcome>;

export function createFail(deps: FinishDeps): Fail {
  return (caller, input) => {
    const { kind, error, delayMs, checkpoint } = input;
    return finish(deps, caller, input, { kind, outcome: error, delayMs, checkpoint });
  };
}
