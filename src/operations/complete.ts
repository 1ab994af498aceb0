import type { FinishCall } from "../domain/calls.ts";
import type { Caller } from "./access.ts";
import { endDigest } from "./end-digest.ts";
import { type FinishDeps, type FinishOutcome, finish } from "./finish.ts";

export interface CompleteInput extends Pick<FinishCall, "key" | "proof"> {
  /** The encoded result, canonical. */
  readonly result: Uint8Array;
}

export type Complete = (caller: Caller, input: CompleteInput) => Promise<FinishOutcome>;

export function createComplete(deps: FinishDeps): Complete {
  return (caller, { key, proof, result }) => {
    const said = { kind: "complete", outcome: result, delayMs: 0 } as const;
    return finish(deps, caller, { key, proof, ...said, digest: endDigest(said), checkpoint: null });
  };
}
