import type { EndKind, FinishCall } from "../domain/calls.ts";
import type { Caller } from "./access.ts";
import { endDigest } from "./end-digest.ts";
import { type FinishDeps, type FinishOutcome, finish } from "./finish.ts";

export interface FailInput extends Pick<FinishCall, "key" | "proof" | "delayMs" | "checkpoint"> {
  readonly kind: Exclude<EndKind, "complete">;
  /** The encoded error, canonical; null when none was reported. */
  readonly error: Uint8Array | null;
}

export type Fail = (caller: Caller, input: FailInput) => Promise<FinishOutcome>;

export function createFail(deps: FinishDeps): Fail {
  return (caller, { key, proof, kind, error, delayMs, checkpoint }) => {
    const said = { kind, outcome: error, delayMs };
    return finish(deps, caller, { key, proof, ...said, digest: endDigest(said), checkpoint });
  };
}
