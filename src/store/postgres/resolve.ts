import { decideResolve, type Verdict } from "../../domain/reducer/operator.ts";
import type { OperatorAnswer, ResolveCall } from "../operator-store.ts";
import type { Connection } from "./connection.ts";
import { runOperator } from "./operator-row.ts";
import { encodeState } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const resolve = loadStatement("resolve");

const STATE_AFTER = {
  completed: encodeState("completed"),
  failed: encodeState("failed"),
  "not-done": encodeState("available"),
} as const satisfies Record<Verdict["kind"], number>;

/** Null: overtaken; to be sent again. */
export async function resolveRecord(
  connection: Connection,
  call: ResolveCall,
  token: Uint8Array,
  time: ServerTime,
): Promise<OperatorAnswer | null> {
  const { key, fence, force, verdict, actor, reason } = call;
  const outcome = verdict.kind === "not-done" ? null : verdict.outcome;
  const said = [STATE_AFTER[verdict.kind], outcome];
  const values = [key.tenant, key.scope, key.key, fence, token, force, ...said, actor, reason];
  return runOperator(connection, resolve, values, (stored, now) => decideResolve(stored, call, token, now), time);
}
