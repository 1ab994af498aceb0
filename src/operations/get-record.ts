import type { Instant } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import { type Fingerprint, type StoredRecord, sameBytes } from "../domain/record.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { type Caller, serveTenant } from "./access.ts";
import { type DerivedState, deriveState, visible } from "./derive.ts";
import { faultOf } from "./faults.ts";

export interface GetRecordDeps {
  readonly tenants: Tenants;
}

export interface SeenRecord {
  readonly state: DerivedState;
  /** As a caller may see it: an expired record shows nothing of what it held. */
  readonly record: StoredRecord;
  readonly now: Instant;
}

export type GetRecord = (caller: Caller, named: RecordKey, fingerprint: Fingerprint) => Promise<SeenRecord>;

/** Reads without touching. An empty fingerprint is not compared, nor is that of a record which a reset has unbound. */
export function createGetRecord({ tenants }: GetRecordDeps): GetRecord {
  return async (caller, named, given) => {
    const { tenant, runtime } = await serveTenant(tenants, caller, named.tenant, "read");
    const fingerprint = runtime.fingerprint(given);
    const { record, now } = await runtime.store.peek({ ...named, tenant: tenant.id }, caller.deadline);
    if (record === null) throw faultOf("RECORD_NOT_FOUND");
    const compared = fingerprint.digest.length > 0 && record.fingerprint !== null;
    if (compared && !sameBytes(record.fingerprint.digest, fingerprint.digest)) throw faultOf("FINGERPRINT_MISMATCH");
    return { state: deriveState(record, now), record: visible(record, now), now };
  };
}
