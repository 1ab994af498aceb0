import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { STUCK_GRACE_MS, stuckReason, stuckSince } from "../../../src/domain/stuck.ts";
import { NOW, recordOf } from "../../support/records.ts";
import { rowsOf } from "../../support/table.ts";
import { STATES, stateNamed } from "./reducer/states.ts";

describe("which records are stuck", () => {
  const table = `
    record                             | now             | a minute later
    forgotten                          | no              | no
    live                               | no              | no
    lapsed                             | no              | lease-expired
    lapsed, last attempt               | no              | lease-expired
    lapsed under HOLD                  | outcome-unknown | outcome-unknown
    lapsed under HOLD, last attempt    | outcome-unknown | outcome-unknown
    reconciling                        | no              | outcome-unknown
    reconciling, lapsed                | outcome-unknown | outcome-unknown
    reconciling, lapsed, not HOLD      | outcome-unknown | outcome-unknown
    available                          | no              | overdue
    available, due later               | no              | no
    available, last attempt            | no              | overdue
    available, unbound                 | no              | no
    completed                          | no              | no
    failed                             | no              | no
    failed, last attempt               | no              | no
    completed, expired                 | no              | no
    failed, expired                    | no              | no
    completed by the suspect           | no              | no
    outcome unknown                    | outcome-unknown | outcome-unknown
    outcome unknown, a suspect cut off | outcome-unknown | outcome-unknown`;

  test.each(rowsOf(table))("$record", (row) => {
    const record = stateNamed(row["record"] ?? "");
    if (record === null) throw new Error("bug: no record");
    expect(stuckReason(record, NOW) ?? "no").toBe(row["now"]);
    expect(stuckReason(record, addMs(NOW, STUCK_GRACE_MS)) ?? "no").toBe(row["a minute later"]);
  });

  test("every state has its row", () => {
    const named = rowsOf(table).map((row) => row["record"]);
    expect(new Set([...named, "absent"])).toEqual(new Set(Object.keys(STATES)));
  });
});

test("a record is stuck a grace after it has begun to stand still, and one whose outcome is unknown at once", () => {
  for (const [name, record] of Object.entries(STATES)) {
    if (record === null) continue;
    const reason = stuckReason(record, addMs(NOW, 10 * STUCK_GRACE_MS));
    if (reason === null) continue;
    const from = reason === "outcome-unknown" ? stuckSince(record) : addMs(stuckSince(record), STUCK_GRACE_MS);
    if (record.state !== "outcome-unknown") expect(stuckReason(record, from - 1), name).toBeNull();
    expect(stuckReason(record, from), name).toBe(reason);
  }
});

test("a lapse is a reason to look a minute after it, to the microsecond", () => {
  const record = recordOf({ due: addMs(NOW, -STUCK_GRACE_MS) });
  expect([stuckReason(record, NOW - 1), stuckReason(record, NOW)]).toEqual([null, "lease-expired"]);
});
