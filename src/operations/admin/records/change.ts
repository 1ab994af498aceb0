import type { RecordKey } from "../../../domain/key.ts";
import type { SeenState, StoredRecord } from "../../../domain/record.ts";
import type { OperatorAnswer, OperatorCall, OperatorStore } from "../../../store/operator-store.ts";
import type { RecordChange } from "../../../telemetry/change-log.ts";
import type { Tenants } from "../../../tenants/tenants.ts";
import type { Caller } from "../../access.ts";
import { MAY_CHANGE, serveRecords } from "./access.ts";
import { type RecordAction, type Refused, refusalOf } from "./refusal.ts";
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
 * an expected fence too, where the look is taken here. Nothing that is sealed is opened: a record that cannot be read can
 * be mended.
 *
 * Throws `Fault` ROLE_REQUIRED, TENANT_FORBIDDEN, TENANT_NOT_FOUND, RECORD_NOT_FOUND, RECORD_CHANGED, INVALID_STATE, and
 * as `OperatorStore`.
 */
export async function changeRecord(
  { tenants, changed }: ChangeRecordDeps,
  caller: Caller,
  { key: named, expectedFence, reason }: ChangeRecordInput,
  action: RecordAction,
  send: (
    store: OperatorStore,
    call: OperatorCall,
    deadline: number,
    /** In which state the record was found; null: it was not looked at here. */
    found: SeenState | null,
  ) => Promise<OperatorAnswer>,
): Promise<RecordView> {
  const { principal, deadline } = caller;
  const { tenant, runtime } = await serveRecords(tenants, caller, named.tenant, MAY_CHANGE);
  const call = { key: { ...named, tenant: tenant.id }, actor: principal.name, reason };
  const make = (fence: bigint, found: SeenState | null) => send(runtime.store, { ...call, fence }, deadline, found);
  const first = await make(expectedFence, null);
  const answer = expectedFence === 0n && isOfAnother(first) ? await makeAsFound(first, make) : first;
  if (answer.kind === "refused") throw refusalOf(action, answer);
  changed({ actor: principal.name, action, tenant: tenant.id, auditSequence: answer.auditSequence });
  return viewOf(answer.record, answer.now);
}

function makeAsFound(
  { record, now }: Looked,
  make: (fence: bigint, found: SeenState) => Promise<OperatorAnswer>,
): Promise<OperatorAnswer> {
  return make(record.lease.fence, viewOf(record, now).state);
}

type Looked = Refused & { readonly record: StoredRecord };

function isOfAnother(answer: OperatorAnswer): answer is Looked {
  return answer.kind === "refused" && answer.why === "changed" && answer.record !== null;
}
