import { decideReset } from "../../domain/reducer/operator.ts";
import type { ForcibleCall, OperatorAnswer } from "../operator-store.ts";
import type { Connection } from "./connection.ts";
import { runOperator } from "./operator-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const reset = loadStatement("reset");

/** Null: overtaken; to be sent again. */
export async function resetRecord(
  connection: Connection,
  call: ForcibleCall,
  token: Uint8Array,
  time: ServerTime,
): Promise<OperatorAnswer | null> {
  const { key, fence, force, actor, reason } = call;
  const values = [key.tenant, key.scope, key.key, fence, token, force, actor, reason];
  return runOperator(connection, reset, values, (stored, now) => decideReset(stored, call, token, now), time);
}
