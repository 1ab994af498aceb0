import type { Holdfast } from "../../client/client.ts";
import { CHARGE_SCOPE, type ChargeResult } from "./handle.ts";

/** Enough to keep three servers busy. */
const AT_A_TIME = 32;

/** The charge that each completed record names, by event; other events are left out. */
export async function readResults(holdfast: Holdfast, events: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const results = new Map<string, string>();
  const queue = events[Symbol.iterator]();
  const readOnwards = async () => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const chargeId = await readResult(holdfast, next.value);
      if (chargeId !== null) results.set(next.value, chargeId);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, readOnwards));
  return results;
}

/** Null unless the record is completed: no other has a result. */
async function readResult(holdfast: Holdfast, eventId: string): Promise<string | null> {
  const request = { key: { scope: CHARGE_SCOPE, key: eventId }, includeResult: true };
  const { result } = await holdfast.rpc.getRecord(request);
  if (result?.body.case !== "inline") return null;
  const { chargeId } = JSON.parse(new TextDecoder().decode(result.body.value)) as ChargeResult;
  return chargeId;
}
