import type { Rpc } from "../../../src/client/runtime.ts";

export interface LastLook {
  /** Over a recording transport. */
  readonly rpc: Rpc;
  readonly scope: string;
  /** Empty: the credential's. */
  readonly tenant?: string;
  /** Of the keys that the load was about. */
  readonly names: Iterable<string>;
}

/** Reads every record once everything is over, so that what is there can be held against all that was acknowledged. */
export async function lookAtLast({ rpc, scope, tenant = "", names }: LastLook): Promise<void> {
  for (const key of names) {
    // What it was told is in the history, a refusal too.
    await rpc.getRecord({ key: { tenant, scope, key }, includeResult: true }).catch(() => undefined);
  }
}
