import { addMs } from "../../../../src/domain/instant.ts";
import type { Policy, StoredRecord } from "../../../../src/domain/record.ts";
import { bytes, DAY, finishOf, HOUR, NOW, POLICY, recordOf, SECOND, SUSPECT } from "../../../support/records.ts";

const HOLD: Policy = { ...POLICY, hold: true };
const ONE_ATTEMPT: Policy = { ...POLICY, maxAttempts: 1 };

const lapsed = { due: addMs(NOW, -1 * SECOND) };
const reconciling = { policy: HOLD, suspect: SUSPECT, reason: "lease-expired" } as const;
const available = { state: "available", due: addMs(NOW, -1 * SECOND), endDigest: bytes("how it ended") } as const;
const unknown = { state: "outcome-unknown", due: addMs(NOW, -1 * SECOND), reason: "reported" } as const;

/** The digest of `finishOf()`, so that this very call is a repeat. */
const endedBy = (call = finishOf()) => ({ outcome: call.outcome, endDigest: call.digest });

const ended = { endTime: addMs(NOW, -HOUR), due: addMs(NOW, DAY - HOUR), forgetAt: addMs(NOW, 2 * DAY - HOUR) };
const expired = { endTime: addMs(NOW, -DAY - HOUR), due: addMs(NOW, -HOUR), forgetAt: addMs(NOW, DAY - HOUR) };
const forgotten = { endTime: addMs(NOW, -3 * DAY), due: addMs(NOW, -2 * DAY), forgetAt: addMs(NOW, -DAY) };

const completed = { state: "completed", ...ended, ...endedBy() } as const;
const failed = { state: "failed", reason: "reported", ...ended, ...endedBy(finishOf({ kind: "terminal" })) } as const;

/** A record in every state that a call can meet, at NOW. `HOLDER` has its newest attempt. */
export const STATES: Readonly<Record<string, StoredRecord | null>> = {
  absent: null,
  forgotten: recordOf({ ...completed, ...forgotten }),
  live: recordOf(),
  lapsed: recordOf(lapsed),
  "lapsed, last attempt": recordOf({ ...lapsed, policy: ONE_ATTEMPT }),
  "lapsed under HOLD": recordOf({ ...lapsed, policy: HOLD }),
  "lapsed under HOLD, last attempt": recordOf({ ...lapsed, policy: { ...HOLD, maxAttempts: 1 } }),
  reconciling: recordOf(reconciling),
  "reconciling, lapsed": recordOf({ ...reconciling, ...lapsed }),
  "reconciling, lapsed, not HOLD": recordOf({ ...reconciling, ...lapsed, policy: POLICY }),
  available: recordOf(available),
  "available, due later": recordOf({ ...available, due: addMs(NOW, 5 * SECOND) }),
  "available, last attempt": recordOf({ ...available, endDigest: null, policy: ONE_ATTEMPT }),
  "available, unbound": recordOf({ ...available, endDigest: null, attempt: 0, fingerprint: null }),
  completed: recordOf(completed),
  failed: recordOf(failed),
  "failed, last attempt": recordOf({ ...failed, policy: ONE_ATTEMPT }),
  "completed, expired": recordOf({ ...completed, ...expired }),
  "failed, expired": recordOf({ ...failed, ...expired }),
  "completed by the suspect": recordOf({ ...completed, suspect: SUSPECT }),
  "outcome unknown": recordOf(unknown),
  "outcome unknown, a suspect cut off": recordOf({ ...unknown, policy: HOLD, suspect: SUSPECT }),
};

export function stateNamed(name: string): StoredRecord | null {
  const record = STATES[name];
  if (record === undefined) throw new Error(`bug: no state is called ${name}`);
  return record;
}
