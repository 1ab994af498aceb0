import { decideRelease } from "../../domain/reducer/operator.ts";
import type { OperatorAnswer, OperatorCall } from "../operator-store.ts";
import type { Connection } from "./connection.ts";
import { runOperator } from "./operator-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const release = loadStatement("release");

/** Null: overtaken; to be sent again. */
export async function releaseRecord(
  connection: Connection,
  call: OperatorCall,
  token: Uint8Array,
  time: ServerTime,
): Promise<OperatorAnswer | null> {
  const { key, fence, actor, reason } = call;
  const values = [key.tenant, key.scope, key.key, fence, token, actor, reason];
  return runOperator(connection, release, values, (stored, now) => decideRelease(stored, call, token, now), time);
}
