import { describe, expect, test } from "vitest";
import type { ClaimCall } from "../../../../src/domain/calls.ts";
import { type ClaimDecision, decideClaim } from "../../../../src/domain/reducer/claim.ts";
import { claimIdOf, claimOf, fingerprintOf, NO_FINGERPRINT, NOW } from "../../../support/records.ts";
import { cellsOf } from "../../../support/table.ts";
import { STATES, stateNamed } from "./states.ts";

/** "stored" is said where something is written although nothing is acquired. */
function wordsOf({ answer, next }: ClaimDecision): string {
  if (answer.kind === "fault") return answer.code;
  if (answer.kind === "acquired") return `acquired ${answer.reason}`;
  return next === null ? answer.kind : `${answer.kind} stored`;
}

function checkTable(calls: Readonly<Record<string, Partial<ClaimCall>>>, table: string): void {
  test.each(cellsOf(table))("$row, $column: $expected", ({ row, column, expected }) => {
    const call = calls[column];
    if (call === undefined) throw new Error(`bug: no call is called ${column}`);
    expect(wordsOf(decideClaim(stateNamed(row), claimOf(call), NOW, 0n))).toBe(expected);
  });

  test("every state has its row", () => {
    expect(new Set(cellsOf(table).map(({ row }) => row))).toEqual(new Set(Object.keys(STATES)));
  });
}

describe("a stranger claims with intent EXECUTE", () => {
  checkTable(
    {
      "replay all": {},
      "retry failed": { reuse: "retry-failed" },
      reject: { reuse: "reject" },
      "other payload": { fingerprint: fingerprintOf("another payload") },
    },
    `
    record                             | replay all        | retry failed      | reject        | other payload
    absent                             | acquired new      | acquired new      | acquired new  | acquired new
    forgotten                          | acquired new      | acquired new      | acquired new  | acquired new
    live                               | in-progress       | in-progress       | RECORD_EXISTS | FINGERPRINT_MISMATCH
    lapsed                             | acquired takeover | acquired takeover | RECORD_EXISTS | FINGERPRINT_MISMATCH
    lapsed, last attempt               | failed stored     | failed stored     | RECORD_EXISTS | FINGERPRINT_MISMATCH
    lapsed under HOLD                  | outcome-unknown   | outcome-unknown   | RECORD_EXISTS | FINGERPRINT_MISMATCH
    lapsed under HOLD, last attempt    | outcome-unknown   | outcome-unknown   | RECORD_EXISTS | FINGERPRINT_MISMATCH
    reconciling                        | in-progress       | in-progress       | RECORD_EXISTS | FINGERPRINT_MISMATCH
    reconciling, lapsed                | outcome-unknown   | outcome-unknown   | RECORD_EXISTS | FINGERPRINT_MISMATCH
    reconciling, lapsed, not HOLD      | outcome-unknown   | outcome-unknown   | RECORD_EXISTS | FINGERPRINT_MISMATCH
    available                          | acquired retry    | acquired retry    | RECORD_EXISTS | FINGERPRINT_MISMATCH
    available, due later               | retry-scheduled   | retry-scheduled   | RECORD_EXISTS | FINGERPRINT_MISMATCH
    available, last attempt            | failed stored     | failed stored     | RECORD_EXISTS | FINGERPRINT_MISMATCH
    available, unbound                 | acquired new      | acquired new      | RECORD_EXISTS | acquired new
    completed                          | completed         | completed         | RECORD_EXISTS | FINGERPRINT_MISMATCH
    failed                             | failed            | acquired retry    | RECORD_EXISTS | FINGERPRINT_MISMATCH
    failed, last attempt               | failed            | failed            | RECORD_EXISTS | FINGERPRINT_MISMATCH
    completed, expired                 | expired           | expired           | RECORD_EXISTS | FINGERPRINT_MISMATCH
    failed, expired                    | expired           | expired           | RECORD_EXISTS | FINGERPRINT_MISMATCH
    completed by the suspect           | completed         | completed         | RECORD_EXISTS | FINGERPRINT_MISMATCH
    outcome unknown                    | outcome-unknown   | outcome-unknown   | RECORD_EXISTS | FINGERPRINT_MISMATCH
    outcome unknown, a suspect cut off | outcome-unknown   | outcome-unknown   | RECORD_EXISTS | FINGERPRINT_MISMATCH`,
  );
});

describe("a stranger claims who may not acquire", () => {
  checkTable(
    {
      execute: { mayAcquire: "nothing" },
      "retry failed": { mayAcquire: "nothing", reuse: "retry-failed" },
      reconcile: { mayAcquire: "nothing", intent: "reconcile" },
    },
    `
    record                             | execute         | retry failed    | reconcile
    absent                             | refused         | refused         | RECORD_NOT_FOUND
    forgotten                          | refused         | refused         | RECORD_NOT_FOUND
    live                               | in-progress     | in-progress     | in-progress
    lapsed                             | refused         | refused         | in-progress
    lapsed, last attempt               | failed stored   | failed stored   | in-progress
    lapsed under HOLD                  | outcome-unknown | outcome-unknown | refused
    lapsed under HOLD, last attempt    | outcome-unknown | outcome-unknown | refused
    reconciling                        | in-progress     | in-progress     | in-progress
    reconciling, lapsed                | outcome-unknown | outcome-unknown | refused
    reconciling, lapsed, not HOLD      | outcome-unknown | outcome-unknown | refused
    available                          | refused         | refused         | INVALID_STATE
    available, due later               | retry-scheduled | retry-scheduled | INVALID_STATE
    available, last attempt            | failed stored   | failed stored   | INVALID_STATE
    available, unbound                 | refused         | refused         | INVALID_STATE
    completed                          | completed       | completed       | completed
    failed                             | failed          | refused         | failed
    failed, last attempt               | failed          | failed          | failed
    completed, expired                 | expired         | expired         | expired
    failed, expired                    | expired         | expired         | expired
    completed by the suspect           | completed       | completed       | completed
    outcome unknown                    | outcome-unknown | outcome-unknown | refused
    outcome unknown, a suspect cut off | outcome-unknown | outcome-unknown | refused`,
  );
});

describe("the newest attempt's own claim_id comes again", () => {
  const own = { claimId: claimIdOf("holder") };
  checkTable(
    {
      execute: own,
      "execute, may not acquire, reject": { ...own, mayAcquire: "nothing", reuse: "reject" },
      "execute, retry failed": { ...own, reuse: "retry-failed" },
      reconcile: { ...own, intent: "reconcile" },
      "other payload": { ...own, fingerprint: fingerprintOf("another payload") },
    },
    `
    record                             | execute             | execute, may not acquire, reject | execute, retry failed | reconcile           | other payload
    absent                             | acquired new        | refused                          | acquired new          | RECORD_NOT_FOUND    | acquired new
    forgotten                          | acquired new        | refused                          | acquired new          | RECORD_NOT_FOUND    | acquired new
    live                               | acquired reattached | acquired reattached              | acquired reattached   | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    lapsed                             | acquired reattached | acquired reattached              | acquired reattached   | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    lapsed, last attempt               | acquired reattached | acquired reattached              | acquired reattached   | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    lapsed under HOLD                  | acquired reattached | acquired reattached              | acquired reattached   | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    lapsed under HOLD, last attempt    | acquired reattached | acquired reattached              | acquired reattached   | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    reconciling                        | CLAIM_ENDED         | CLAIM_ENDED                      | CLAIM_ENDED           | acquired reattached | FINGERPRINT_MISMATCH
    reconciling, lapsed                | CLAIM_ENDED         | CLAIM_ENDED                      | CLAIM_ENDED           | acquired reattached | FINGERPRINT_MISMATCH
    reconciling, lapsed, not HOLD      | CLAIM_ENDED         | CLAIM_ENDED                      | CLAIM_ENDED           | acquired reattached | FINGERPRINT_MISMATCH
    available                          | CLAIM_ENDED         | CLAIM_ENDED                      | CLAIM_ENDED           | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    available, due later               | CLAIM_ENDED         | CLAIM_ENDED                      | CLAIM_ENDED           | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    available, last attempt            | CLAIM_ENDED         | CLAIM_ENDED                      | CLAIM_ENDED           | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    available, unbound                 | CLAIM_ENDED         | CLAIM_ENDED                      | CLAIM_ENDED           | CLAIM_ENDED         | CLAIM_ENDED
    completed                          | completed           | completed                        | completed             | completed           | FINGERPRINT_MISMATCH
    failed                             | failed              | failed                           | failed                | failed              | FINGERPRINT_MISMATCH
    failed, last attempt               | failed              | failed                           | failed                | failed              | FINGERPRINT_MISMATCH
    completed, expired                 | expired             | expired                          | expired               | expired             | FINGERPRINT_MISMATCH
    failed, expired                    | expired             | expired                          | expired               | expired             | FINGERPRINT_MISMATCH
    completed by the suspect           | completed           | completed                        | completed             | completed           | FINGERPRINT_MISMATCH
    outcome unknown                    | outcome-unknown     | outcome-unknown                  | outcome-unknown       | CLAIM_ENDED         | FINGERPRINT_MISMATCH
    outcome unknown, a suspect cut off | outcome-unknown     | outcome-unknown                  | outcome-unknown       | CLAIM_ENDED         | FINGERPRINT_MISMATCH`,
  );
});

describe("a stranger claims with intent RECONCILE", () => {
  const reconcile = { intent: "reconcile" } as const;
  checkTable(
    {
      "same payload": reconcile,
      "payload not given": { ...reconcile, fingerprint: NO_FINGERPRINT },
      "other payload": { ...reconcile, fingerprint: fingerprintOf("another payload") },
      reject: { ...reconcile, reuse: "reject" },
    },
    `
    record                             | same payload       | payload not given  | other payload        | reject
    absent                             | RECORD_NOT_FOUND   | RECORD_NOT_FOUND   | RECORD_NOT_FOUND     | RECORD_NOT_FOUND
    forgotten                          | RECORD_NOT_FOUND   | RECORD_NOT_FOUND   | RECORD_NOT_FOUND     | RECORD_NOT_FOUND
    live                               | in-progress        | in-progress        | FINGERPRINT_MISMATCH | RECORD_EXISTS
    lapsed                             | in-progress        | in-progress        | FINGERPRINT_MISMATCH | RECORD_EXISTS
    lapsed, last attempt               | in-progress        | in-progress        | FINGERPRINT_MISMATCH | RECORD_EXISTS
    lapsed under HOLD                  | acquired reconcile | acquired reconcile | FINGERPRINT_MISMATCH | RECORD_EXISTS
    lapsed under HOLD, last attempt    | acquired reconcile | acquired reconcile | FINGERPRINT_MISMATCH | RECORD_EXISTS
    reconciling                        | in-progress        | in-progress        | FINGERPRINT_MISMATCH | RECORD_EXISTS
    reconciling, lapsed                | acquired reconcile | acquired reconcile | FINGERPRINT_MISMATCH | RECORD_EXISTS
    reconciling, lapsed, not HOLD      | acquired reconcile | acquired reconcile | FINGERPRINT_MISMATCH | RECORD_EXISTS
    available                          | INVALID_STATE      | INVALID_STATE      | FINGERPRINT_MISMATCH | RECORD_EXISTS
    available, due later               | INVALID_STATE      | INVALID_STATE      | FINGERPRINT_MISMATCH | RECORD_EXISTS
    available, last attempt            | INVALID_STATE      | INVALID_STATE      | FINGERPRINT_MISMATCH | RECORD_EXISTS
    available, unbound                 | INVALID_STATE      | INVALID_STATE      | INVALID_STATE        | RECORD_EXISTS
    completed                          | completed          | completed          | FINGERPRINT_MISMATCH | RECORD_EXISTS
    failed                             | failed             | failed             | FINGERPRINT_MISMATCH | RECORD_EXISTS
    failed, last attempt               | failed             | failed             | FINGERPRINT_MISMATCH | RECORD_EXISTS
    completed, expired                 | expired            | expired            | FINGERPRINT_MISMATCH | RECORD_EXISTS
    failed, expired                    | expired            | expired            | FINGERPRINT_MISMATCH | RECORD_EXISTS
    completed by the suspect           | completed          | completed          | FINGERPRINT_MISMATCH | RECORD_EXISTS
    outcome unknown                    | acquired reconcile | acquired reconcile | FINGERPRINT_MISMATCH | RECORD_EXISTS
    outcome unknown, a suspect cut off | acquired reconcile | acquired reconcile | FINGERPRINT_MISMATCH | RECORD_EXISTS`,
  );
});
