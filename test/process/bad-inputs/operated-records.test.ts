import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import {
  FailKind,
  IdempotencyService,
  LeaseExpiryPolicy,
  RecordState,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type {
  ListRecordsRequestSchema,
  PurgeRecordsRequestSchema,
  ResolveOutcomeRequestSchema,
} from "../../../gen/holdfast/v1/operator_pb.ts";
import { newKey } from "../callers.ts";
import { row } from "./rows.ts";
import {
  acquire,
  CANARY,
  call,
  FIELD_INVALID,
  generic,
  livesOn,
  type Refusal,
  refuses,
  refusesCall,
  useStand,
} from "./stand.ts";
import { DISTINCT_WIRES, encode, type Method, type Wire } from "./wires.ts";

const { claim, complete, fail, getRecord } = IdempotencyService.method;
const { listRecords, getRecordTimeline, forceRelease, resolveOutcome, resetRecord, purgeRecords } = AdminService.method;
const stand = useStand();

type List = MessageInitShape<typeof ListRecordsRequestSchema>;
type Verdict = MessageInitShape<typeof ResolveOutcomeRequestSchema>["verdict"];
type Target = MessageInitShape<typeof PurgeRecordsRequestSchema>["target"];

const INVALID_STATE: Refusal = { code: "FAILED_PRECONDITION", reason: "INVALID_STATE" };
const RECORD_CHANGED: Refusal = { code: "ABORTED", reason: "RECORD_CHANGED" };
const NOT_FOUND: Refusal = { code: "NOT_FOUND", reason: "RECORD_NOT_FOUND" };
const TENANT_NOT_FOUND: Refusal = { code: "NOT_FOUND", reason: "TENANT_NOT_FOUND" };

const reason = CANARY;
const notDone: Verdict = { case: "notDone", value: {} };
const seconds = (count: number) => ({ seconds: BigInt(count) });
const inline = (bytes: number) => ({ body: { case: "inline" as const, value: new Uint8Array(bytes) } });

/** Every change of one record, with all that it needs but a key. */
const CHANGES: readonly (readonly [string, Method, object])[] = [
  ["ForceRelease", generic(forceRelease), { reason }],
  ["ResolveOutcome", generic(resolveOutcome), { reason, verdict: notDone }],
  ["ResetRecord", generic(resetRecord), { reason }],
];

/** Records in the states that a change may meet. */
const MADE = {
  held: (wire: Wire, key: ReturnType<typeof newKey>) => acquire(wire, { key }),
  ended: async (wire: Wire, key: ReturnType<typeof newKey>) =>
    call(wire, complete, { handle: await acquire(wire, { key }), result: inline(0) }),
  unknown: async (wire: Wire, key: ReturnType<typeof newKey>) => {
    const policy = { onLeaseExpiry: LeaseExpiryPolicy.HOLD };
    await call(wire, fail, { handle: await acquire(wire, { key, policy }), kind: FailKind.OUTCOME_UNKNOWN });
  },
} as const;

describe.each(DISTINCT_WIRES)("%s", (name) => {
  const refused = (rpc: Method, init: object, refusal: Refusal) =>
    refuses(stand, stand.wires[name], rpc, encode(stand.wires[name], rpc, init as never), refusal);

  test.each<[string, Method, Refusal]>([
    ["GetRecordTimeline", generic(getRecordTimeline), FIELD_INVALID("key")],
    ["ForceRelease", generic(forceRelease), FIELD_INVALID("key", "reason")],
    ["ResolveOutcome", generic(resolveOutcome), FIELD_INVALID("key", "reason", "verdict")],
    ["ResetRecord", generic(resetRecord), FIELD_INVALID("key", "reason")],
    ["PurgeRecords", generic(purgeRecords), FIELD_INVALID("reason", "target")],
  ])(`${row(1)}: %s`, async (_, rpc, refusal) => {
    const { message } = await refused(rpc, {}, refusal);
    for (const field of refusal.fields ?? []) {
      expect(message).toContain(field === "reason" ? "reason must not be empty" : `${field} must be set`);
    }
  });

  test.each([
    ["what is no token", CANARY],
    ["another list's token", Buffer.from(CANARY).toString("base64url")],
    ["a token of zeros", "A".repeat(40)],
    ["a token of ones", "_".repeat(2048)],
    ["characters that no token has", `${CANARY} \u{1f600} %00`],
  ])(`${row(97)}: %s`, async (_, pageToken) => {
    const { message } = await refused(generic(listRecords), { pageToken }, FIELD_INVALID("page_token"));
    expect(message).toBe("page_token must be empty, or the next_page_token of a page with the same filters");
  });

  test(`${row(97)}: one of another list, or one that was cut`, async () => {
    const wire = stand.wires[name];
    const scope = newKey().key;
    for (let i = 0; i < 2; i++) await acquire(wire, { key: { ...newKey(), scope } });
    const { nextPageToken: pageToken } = await call(wire, listRecords, { scope, pageSize: 1 });
    const others: readonly List[] = [
      { pageToken },
      { pageToken, scope, keyPrefix: "k" },
      { pageToken: pageToken.slice(0, -1), scope },
      { pageToken: `${pageToken}A`, scope },
    ];
    for (const list of others) await refused(generic(listRecords), list, FIELD_INVALID("page_token"));
    expect((await call(wire, listRecords, { pageToken, scope })).records).toHaveLength(1);
  });

  test.each<[string, List, string]>([
    ["older and newer at once", { olderThan: seconds(60), newerThan: seconds(1) }, "newer_than"],
    ["stuck and completed", { stuckOnly: true, states: [RecordState.COMPLETED] }, "states"],
    ["an age below nothing", { olderThan: seconds(-1) }, "older_than"],
    ["an age beyond ten thousand years", { newerThan: seconds(315_576_000_001) }, "newer_than"],
    ["a key with U+0000", { keyPrefix: `${CANARY}\0` }, "key_prefix"],
    ["a scope that is too long", { scope: CANARY.repeat(22) }, "scope"],
    ["a page that is too large", { pageSize: 1001 }, "page_size"],
  ])(`${row(98)}: %s`, async (_, list, field) => {
    // JSON cannot even write a duration beyond its range.
    if (name === "Connect JSON" && field === "newer_than" && list.olderThan === undefined) return;
    await refused(generic(listRecords), list, FIELD_INVALID(field));
  });

  test.each<[string, List]>([
    ["a pattern for a key", { keyPrefix: "%" }],
    ["a quote", { keyPrefix: "' or true --", owner: "' or true --" }],
    ["a backslash", { keyPrefix: "\\", scope: "\\" }],
    ["a name of an object's property", { owner: "__proto__" }],
    ["an age that nothing has", { olderThan: seconds(315_576_000_000) }],
  ])("what matches nothing is answered with nothing: %s", async (_, list) => {
    const wire = stand.wires[name];
    await acquire(wire, { key: newKey() });
    expect(await call(wire, listRecords, list)).toMatchObject({ records: [], nextPageToken: "" });
  });

  test.each(CHANGES)(`${row(100)}: %s`, async (_, rpc, rest) => {
    const key = newKey(CANARY);
    for (const given of ["", " \t\u00a0", `${CANARY}\0`, CANARY.repeat(43)]) {
      await refused(rpc, { key, ...rest, reason: given }, FIELD_INVALID("reason"));
    }
    await refused(rpc, { key, ...rest, expectedFence: -1n }, FIELD_INVALID("expected_fence"));
    await refused(rpc, { ...rest, key: { ...key, scope: "" } }, FIELD_INVALID("key.scope"));
    await refused(rpc, { ...rest, key: { ...key, tenant: CANARY } }, TENANT_NOT_FOUND);
    for (const expectedFence of [0n, 1n, 2n ** 63n - 1n])
      await refused(rpc, { key, ...rest, expectedFence }, NOT_FOUND);
  });

  test.each<[string, Verdict, Refusal]>([
    ["an error that is OK", { case: "failed", value: { message: CANARY } }, FIELD_INVALID("failed.code")],
    ["a result without a body", { case: "completed", value: { contentType: CANARY } }, FIELD_INVALID("completed.body")],
    [
      "an error of 17 KiB",
      { case: "failed", value: { code: 3, message: CANARY.repeat(2900) } },
      { code: "INVALID_ARGUMENT", reason: "ERROR_TOO_LARGE", fields: ["failed"] },
    ],
    [
      "a result of a byte over 1 MiB",
      { case: "completed", value: inline(1024 * 1024 + 1) },
      { code: "INVALID_ARGUMENT", reason: "RESULT_TOO_LARGE", fields: ["completed.inline"] },
    ],
  ])(`${row(100)}: a verdict that is %s`, async (_, verdict, refusal) => {
    // A MiB in JSON is more than a message may have.
    if (name === "Connect JSON" && refusal.reason === "RESULT_TOO_LARGE") return;
    await refused(generic(resolveOutcome), { key: newKey(), reason, verdict }, refusal);
  });

  test.each<[string, Target, string]>([
    ["all, without saying so", { case: "all", value: false }, "all"],
    ["a scope that is empty", { case: "scope", value: "" }, "scope"],
    [
      "a key of a tenant that is named nowhere else",
      { case: "key", value: { ...newKey(), tenant: CANARY } },
      "key.tenant",
    ],
  ])(`${row(100)}: a purge of %s`, async (_, target, field) => {
    await refused(generic(purgeRecords), { reason, target }, FIELD_INVALID(field));
  });

  test(`${row(101)}`, async () => {
    const wire = stand.wires[name];
    const [held, ended, unknown] = [newKey(), newKey(), newKey()];
    await MADE.held(wire, held);
    await MADE.ended(wire, ended);
    await MADE.unknown(wire, unknown);
    const verdict = notDone;
    await refusesCall(stand, wire, forceRelease, { key: ended, reason }, INVALID_STATE);
    await refusesCall(stand, wire, forceRelease, { key: unknown, reason }, INVALID_STATE);
    for (const key of [held, ended]) {
      await refusesCall(stand, wire, resolveOutcome, { key, reason, verdict, force: true }, INVALID_STATE);
    }
    await refusesCall(stand, wire, resetRecord, { key: held, reason }, INVALID_STATE);
    await refusesCall(stand, wire, purgeRecords, { target: { case: "key", value: held }, reason }, INVALID_STATE);
    await refusesCall(stand, wire, purgeRecords, { target: { case: "key", value: newKey() }, reason }, NOT_FOUND);
    for (const [, rpc, rest] of CHANGES) {
      for (const expectedFence of [1n, 2n ** 63n - 1n]) {
        await refused(rpc, { key: held, ...rest, expectedFence }, RECORD_CHANGED);
      }
    }
    const states = [held, ended, unknown].map(async (key) => (await call(wire, getRecord, { key })).record?.state);
    expect(await Promise.all(states)).toEqual([
      RecordState.IN_PROGRESS,
      RecordState.COMPLETED,
      RecordState.OUTCOME_UNKNOWN,
    ]);
    expect((await call(wire, claim, { key: ended, claimId: CANARY.repeat(3) })).detail.case).toBe("completed");
  });
});

livesOn(stand);
