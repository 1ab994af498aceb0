import { ConnectError } from "@connectrpc/connect";
import type { LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { errorTold } from "../../history/outputs.ts";
import { claimOf, completeOf, handleOf, type Key, LONG } from "../calls.ts";

/** What became of ends that came too late. */
export interface Lost {
  readonly accepted: number;
  readonly superseded: number;
  readonly otherwise: number;
}

/** Of how many records. */
export const HELD: readonly number[] = Array.from({ length: 8 }, (_, i) => i);

const LEASE_MS = 1_000;
const WAIT_MS = 60_000;

/** Claims each of them, as soon as nobody holds it any more. */
export function takeOver(rpc: Rpc, keys: readonly Key[]): Promise<readonly LeaseHandle[]> {
  return Promise.all(
    keys.map(async (key) => handleOf(await rpc.claim(claimOf(key, { leaseMs: LEASE_MS, waitMs: WAIT_MS }), LONG))),
  );
}

/** Completes what somebody else may hold by now. */
export async function completeLate(rpc: Rpc, handles: readonly LeaseHandle[]): Promise<Lost> {
  const endings = await Promise.all(
    handles.map((handle) =>
      rpc.complete(completeOf(handle, "too late"), LONG).then(
        () => "accepted" as const,
        (error: unknown) => {
          const { reason } = errorTold(ConnectError.from(error), 0).output;
          return reason === "LEASE_SUPERSEDED" ? ("superseded" as const) : ("otherwise" as const);
        },
      ),
    ),
  );
  const count = (ending: keyof Lost) => endings.filter((each) => each === ending).length;
  return { accepted: count("accepted"), superseded: count("superseded"), otherwise: count("otherwise") };
}
