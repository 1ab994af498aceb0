import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { RecordState } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import {
  ForceReleaseRequestSchema,
  GetRecordTimelineRequestSchema,
  ListRecordsRequestSchema,
  PurgeRecordsRequestSchema,
  ResetRecordRequestSchema,
  ResolveOutcomeRequestSchema,
} from "../../../../gen/holdfast/v1/operator_pb.ts";
import * as rules from "../../../../src/rpc/admin/record-rules.ts";
import { noRules, type Rules } from "../../../../src/rpc/rules.ts";
import { createValidate } from "../../../../src/rpc/validate.ts";
import { entries, faultOf, type Init, inline, key, seconds } from "../validating.ts";

const MIB = 1024 * 1024;
const reason = "the worker is gone";
const text = (bytes: number) => "x".repeat(bytes);

/** Validates requests of one kind, each with the rest of a valid one. */
function validating<Desc extends DescMessage>(desc: Desc, own: Rules<never>, valid: Init<Desc>) {
  const validate = createValidate(desc, own as Rules<unknown>);
  return (more: object) => () => validate(create(desc, { ...(valid as object), ...more } as MessageInitShape<Desc>));
}

const list = validating(ListRecordsRequestSchema, rules.listRecordsRules, {});
const timeline = validating(GetRecordTimelineRequestSchema, noRules, { key });
const release = validating(ForceReleaseRequestSchema, rules.forceReleaseRules, { key, reason });
const notDone = { case: "notDone" as const, value: {} };
const resolve = validating(ResolveOutcomeRequestSchema, rules.resolveOutcomeRules, { key, reason, verdict: notDone });
const reset = validating(ResetRecordRequestSchema, rules.resetRecordRules, { key, reason });
const all = { case: "all" as const, value: true };
const purge = validating(PurgeRecordsRequestSchema, rules.purgeRecordsRules, { reason, target: all });

const completed = (value: object) => ({ verdict: { case: "completed", value } });
const failed = (value: object) => ({ verdict: { case: "failed", value } });

const CHANGES = { release, resolve, reset, purge } as const;
type Change = keyof typeof CHANGES;

describe("what is allowed", () => {
  test.each<[string, () => void]>([
    ["a list of everything", list({})],
    ["a list by every filter", list({ scope: "s", keyPrefix: "k", states: [1, 6], stuckOnly: true, owner: "o" })],
    ["the same age from both sides", list({ olderThan: seconds(5), newerThan: seconds(5) })],
    ["an age beyond all", list({ olderThan: seconds(315_576_000_000) })],
    ["no age at all", list({ olderThan: seconds(0) })],
    ["stuck ones of a state in which some are", list({ stuckOnly: true, states: [RecordState.OUTCOME_UNKNOWN] })],
    ["stuck ones of states of which only one can be", list({ stuckOnly: true, states: [3, 2] })],
    ["the largest page", list({ pageSize: 1000 })],
    ["a timeline", timeline({})],
    ["a release with a fence", release({ expectedFence: 2n ** 63n - 1n })],
    ["a reason of 256 bytes", reset({ reason: text(256) })],
    ["a result of 1 MiB", resolve(completed(inline(new Uint8Array(MIB))))],
    ["an empty result", resolve(completed(inline(new Uint8Array())))],
    ["an error with any code but OK", resolve(failed({ code: -1 }))],
    [
      "a key of the tenant that is named",
      purge({ tenantId: "acme", target: { case: "key", value: { ...key, tenant: "acme" } } }),
    ],
    ["a key of no tenant", purge({ tenantId: "acme", target: { case: "key", value: key } })],
    ["a scope", purge({ target: { case: "scope", value: text(128) } })],
  ])("%s", (_, valid) => {
    expect(valid).not.toThrow();
  });
});

describe("a list is refused", () => {
  test.each<[string, object, string]>([
    ["of a tenant that no tenant can be", { tenantId: "Acme" }, "tenant_id"],
    ["of a scope that is too long", { scope: text(129) }, "scope"],
    ["of keys with U+0000", { keyPrefix: "a\0" }, "key_prefix"],
    ["of keys that are too long", { keyPrefix: text(513) }, "key_prefix"],
    ["of a state that there is not", { states: [7] }, "states[0]"],
    ["of no state in particular", { states: [0] }, "states[0]"],
    ["of a state twice", { states: [1, 1] }, "states"],
    ["of an owner that is too long", { owner: text(257) }, "owner"],
    ["of a negative age", { olderThan: seconds(-1) }, "older_than"],
    ["of a slightly negative age", { newerThan: { nanos: -1 } }, "newer_than"],
    ["of an age that is none", { newerThan: { seconds: 1n, nanos: 1e9 } }, "newer_than"],
    ["of an age beyond ten thousand years", { olderThan: seconds(315_576_000_001) }, "older_than"],
    ["of pages that are too large", { pageSize: 1001 }, "page_size"],
    ["with a token that is too long", { pageToken: text(2049) }, "page_token"],
  ])("%s", (_, more, field) => {
    expect(faultOf(list(more))).toMatchObject({ code: "FIELD_INVALID", violations: [{ field }] });
  });

  test("of records that are older and newer at once, for there are none", () => {
    const refused = faultOf(list({ olderThan: seconds(60), newerThan: { seconds: 59n, nanos: 999_000_000 } }));
    expect(refused).toMatchObject({ code: "FIELD_INVALID", violations: [{ field: "newer_than" }] });
    expect(refused.message).toBe("newer_than must be at least older_than, or no record is both");
  });

  test("of stuck records in states in which none is", () => {
    const states = [RecordState.COMPLETED, RecordState.FAILED, RecordState.EXPIRED];
    const refused = faultOf(list({ stuckOnly: true, states }));
    expect(refused).toMatchObject({ code: "FIELD_INVALID", violations: [{ field: "states" }] });
    expect(refused.message).toMatch(/^states must, with stuck_only, be empty or have RECORD_STATE_IN_PROGRESS, /);
  });
});

describe.each(Object.keys(CHANGES) as Change[])("%s is refused", (name) => {
  const change = CHANGES[name];

  test.each<[string, string, string]>([
    ["without a reason", "", "reason must not be empty"],
    ["with white space for a reason", " \t\n\u00a0\u2003", "reason must not be white space only"],
    ["with U+0000 in the reason", "a\0", "reason must not contain U+0000"],
    ["with a reason that is too long", text(257), "reason must be at most 256 bytes"],
  ])("%s, and says so once", (_, reason, message) => {
    const refused = faultOf(change({ reason }));
    expect(refused).toMatchObject({ code: "FIELD_INVALID", message });
    expect(refused.violations).toHaveLength(1);
  });
});

describe.each(["release", "resolve", "reset"] as const)("%s is refused", (name) => {
  const change = CHANGES[name];

  test.each<[string, object, string]>([
    ["without a key", { key: undefined }, "key"],
    ["with an empty scope", { key: { scope: "", key: "k" } }, "key.scope"],
    ["with an empty key", { key: { scope: "s", key: "" } }, "key.key"],
    ["with a negative fence", { expectedFence: -1n }, "expected_fence"],
  ])("%s", (_, more, field) => {
    expect(faultOf(change(more))).toMatchObject({ code: "FIELD_INVALID", violations: [{ field }] });
  });
});

describe("a verdict is refused", () => {
  test.each<[string, object, string, string]>([
    ["that is none", { verdict: { case: undefined } }, "FIELD_INVALID", "verdict"],
    ["without a result", completed({}), "FIELD_INVALID", "completed.body"],
    [
      "with a result that is too large",
      completed(inline(new Uint8Array(MIB + 1))),
      "RESULT_TOO_LARGE",
      "completed.inline",
    ],
    [
      "with metadata that is too large",
      completed({ ...inline(new Uint8Array()), metadata: entries(20, 300) }),
      "FIELD_INVALID",
      "completed.metadata",
    ],
    ["with an error that is OK", failed({ message: "fine" }), "FIELD_INVALID", "failed.code"],
    ["with an error that is too large", failed({ code: 3, message: text(16 * 1024) }), "ERROR_TOO_LARGE", "failed"],
  ])("%s", (_, more, code, field) => {
    expect(faultOf(resolve(more))).toMatchObject({ code, violations: [{ field }] });
  });
});

describe("a purge is refused", () => {
  test.each<[string, object, string]>([
    ["of nothing", { target: { case: undefined } }, "target"],
    ["of all, without saying so", { target: { case: "all", value: false } }, "all"],
    ["of an empty scope", { target: { case: "scope", value: "" } }, "scope"],
    ["of a scope that is too long", { target: { case: "scope", value: text(129) } }, "scope"],
    ["of an empty key", { target: { case: "key", value: { scope: "s", key: "" } } }, "key.key"],
    [
      "of another tenant's key",
      { tenantId: "acme", target: { case: "key", value: { ...key, tenant: "other" } } },
      "key.tenant",
    ],
    [
      "of a key of a tenant that is named nowhere else",
      { target: { case: "key", value: { ...key, tenant: "acme" } } },
      "key.tenant",
    ],
  ])("%s", (_, more, field) => {
    expect(faultOf(purge(more))).toMatchObject({ code: "FIELD_INVALID", violations: [{ field }] });
  });
});
