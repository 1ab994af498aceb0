import type { RecordKey } from "../../../domain/key.ts";
import type { OperatorAnswer, OperatorCall, OperatorStore } from "../../../store/operator-store.ts";
import type { Store } from "../../../store/store.ts";
import type { RecordChange } from "../../../telemetry/change-log.ts";
import type { Tenants } from "../../../tenants/tenants.ts";
import type { Caller } from "../../access.ts";
import { faultOf } from "../../faults.ts";
import { MAY_CHANGE, serveRecords } from "./access.ts";
import { type RecordAction, refusalOf } from "./refusal.ts";
import { type RecordView, viewOf } from "./view.ts";

export interface ChangeRecordDeps {
  readonly tenants: Pick<Tenants, "enter">;
  /** Told of every change, once it is made. Must not throw. */
  readonly changed: (change: RecordChange) => void;
}

export interface ChangeRecordInput {
  readonly key: RecordKey;
  /** 0: that of the record as it is found. */
  readonly expectedFence: bigint;
  readonly reason: string;
}

/**
 * What ForceRelease, ResolveOutcome and ResetRecord share. The change is made of the record that was looked at or not at
 * all: whoever claims or changes it in between is not overrun, and the caller is told to look again. That holds without
 * an expected fence too, where the look is taken here.
 *
 * Throws `Fault` ROLE_REQUIRED, TENANT_FORBIDDEN, TENANT_NOT_FOUND, RECORD_NOT_FOUND, RECORD_CHANGED, INVALID_STATE, and
 * as `OperatorStore`.
 */
export async function changeRecord(
  { tenants, changed }: ChangeRecordDeps,
  caller: Caller,
  { key: named, expectedFence, reason }: ChangeRecordInput,
  action: RecordAction,
  send: (store: OperatorStore, call: OperatorCall, deadline: number) => Promise<OperatorAnswer>,
): Promise<RecordView> {
  const { principal, deadline } = caller;
  const { tenant, runtime } = await serveRecords(tenants, caller, named.tenant, MAY_CHANGE);
  const { store } = runtime;
  const key = { ...named, tenant: tenant.id };
  const fence = expectedFence === 0n ? await fenceOf(store, key, deadline) : expectedFence;
  const answer = await send(store, { key, fence, actor: principal.name, reason }, deadline);
  if (answer.kind === "refused") {
    throw await refusalOf(action, answer.why, () => store.peek(key, deadline));
  }
  changed({ actor: principal.name, action, tenant: tenant.id, auditSequence: answer.auditSequence });
  return viewOf(answer.record, answer.now);
}

async function fenceOf(store: Pick<Store, "peek">, key: RecordKey, deadline: number): Promise<bigint> {
  const { record } = await store.peek(key, deadline);
  if (record === null) throw faultOf("RECORD_NOT_FOUND");
  return record.lease.fence;
}
