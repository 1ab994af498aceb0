import { decideReset } from "../../domain/reducer/operator.ts";
import type { OperatorAnswer, ResetCall } from "../operator-store.ts";
import type { Connection } from "./connection.ts";
import { runOperator } from "./operator-row.ts";
import { encodeSeenState } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const reset = loadStatement("reset");

/** Null: overtaken; to be sent again. */
export async function resetRecord(
  connection: Connection,
  call: ResetCall,
  token: Uint8Array,
  time: ServerTime,
): Promise<OperatorAnswer | null> {
  const { key, fence, force, state = null, actor, reason } = call;
  const seen = state === null ? null : encodeSeenState(state);
  const values = [key.tenant, key.scope, key.key, fence, token, force, seen, actor, reason];
  return runOperator(connection, reset, values, (stored, now) => decideReset(stored, call, token, now), time);
}
