import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  ClaimOutcome,
  type CompleteRequestSchema,
  FailKind,
  IdempotencyService,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { row } from "./rows.ts";
import { acquire, age, CANARY, call, FIELD_INVALID, livesOn, type Refusal, refusesCall, useStand } from "./stand.ts";
import { BINARY_WIRES, DISTINCT_WIRES, WIRE_NAMES, type Wire } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

const MIB = 1 << 20;
type Result = NonNullable<MessageInitShape<typeof CompleteRequestSchema>["result"]>;
const inline = (value: Uint8Array): Result => ({ body: { case: "inline", value } });

const CONFLICT: Refusal = { code: "FAILED_PRECONDITION", reason: "RESULT_CONFLICT" };
const INVALID_STATE: Refusal = { code: "FAILED_PRECONDITION", reason: "INVALID_STATE" };

describe.each(DISTINCT_WIRES)("%s", (name) => {
  const replay = async (wire: Wire, key: object) => {
    const { detail } = await call(wire, method.claim, { key, claimId: newClaimId() });
    return detail;
  };

  test.each<[string, Result["body"]]>([
    ["no bytes", { case: "inline", value: new Uint8Array() }],
    ["no reason to have none", { case: "omittedReason", value: "" }],
  ])(`${row(67)} is a result: %s`, async (_, body) => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    await refusesCall(stand, wire, method.complete, { handle, result: {} }, FIELD_INVALID("result.body"));
    await refusesCall(stand, wire, method.complete, { handle }, FIELD_INVALID("result"));
    await call(wire, method.complete, { handle, result: { body } as Result });
    const detail = await replay(wire, handle.key ?? {});
    expect(detail.case === "completed" && detail.value.result?.body).toEqual(body);
    const { result } = await call(wire, method.getRecord, { key: handle.key, includeResult: true });
    expect(result?.body).toEqual(body);
  });

  test(`${row(68)}: one byte over is refused, and the lease is kept`, async () => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    const over = inline(new Uint8Array(MIB + 1).fill(7));
    // In JSON a MiB is 1.33 MiB of base64, more than a message may have: the transport is the first to refuse it.
    const refusal: Refusal =
      wire.format === "json"
        ? { code: "RESOURCE_EXHAUSTED" }
        : { code: "INVALID_ARGUMENT", reason: "RESULT_TOO_LARGE", fields: ["result.inline"] };
    await refusesCall(stand, wire, method.complete, { handle, result: over }, refusal);

    const most = new Uint8Array(wire.format === "json" ? 0.9 * MIB : MIB).fill(7);
    expect(await call(wire, method.complete, { handle, result: inline(most) })).toMatchObject({ late: false });
    const detail = await replay(wire, handle.key ?? {});
    const body = detail.case === "completed" ? detail.value.result?.body : undefined;
    expect(body?.case === "inline" && Buffer.compare(body.value, most)).toBe(0);
  });

  test(`${row(70)} is answered as before`, async () => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    const result = { ...inline(new Uint8Array([1])), metadata: { b: "2", a: "1", __proto__x: "" } };
    expect(await call(wire, method.complete, { handle, result })).toMatchObject({ alreadyApplied: false });
    const reordered = { ...inline(new Uint8Array([1])), metadata: { __proto__x: "", a: "1", b: "2" } };
    expect(await call(wire, method.complete, { handle, result: reordered })).toMatchObject({ alreadyApplied: true });
  });

  test.each<[string, Result]>([
    ["other bytes", inline(new TextEncoder().encode(CANARY))],
    ["no bytes", inline(new Uint8Array())],
    ["another type", { ...inline(new Uint8Array([1])), contentType: CANARY }],
    ["other metadata", { ...inline(new Uint8Array([1])), metadata: { a: CANARY } }],
    ["a reference", { body: { case: "reference", value: { uri: CANARY } } }],
  ])(`${row(71)} is refused and changes nothing: %s`, async (_, other) => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    await call(wire, method.complete, { handle, result: inline(new Uint8Array([1])) });
    await refusesCall(stand, wire, method.complete, { handle, result: other }, CONFLICT);
    for (const kind of [FailKind.RETRYABLE, FailKind.TERMINAL, FailKind.OUTCOME_UNKNOWN, FailKind.NOT_STARTED]) {
      await refusesCall(stand, wire, method.fail, { handle, kind }, CONFLICT);
    }
    await refusesCall(stand, wire, method.heartbeat, { handle }, INVALID_STATE);
    const detail = await replay(wire, handle.key ?? {});
    expect(detail.case === "completed" && detail.value.result).toMatchObject(inline(new Uint8Array([1])));
  });

  test(`${row(73)} that nobody has taken over is accepted, and told that it was late`, async () => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    await age(stand.sql, { key: handle.key?.key ?? "" }, "1 hour");
    const result = inline(new Uint8Array([9]));
    expect(await call(wire, method.complete, { handle, result })).toMatchObject({ late: true, alreadyApplied: false });
    expect((await replay(wire, handle.key ?? {})).case).toBe("completed");
  });

  const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${CANARY}${i}`, ""]));
  test.each<[string, Record<string, string>]>([
    ["10 000 entries", names(10_000)],
    ["a name of a MiB", { [CANARY.repeat(MIB / 6)]: "" }],
    ["a value of a MiB", { "": CANARY.repeat(MIB / 6) }],
    ["4097 bytes", { [CANARY]: "v".repeat(4097 - CANARY.length) }],
  ])(`${row(76)}: %s`, async (_, metadata) => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    const result = { ...inline(new Uint8Array([1])), metadata };
    await refusesCall(stand, wire, method.complete, { handle, result }, FIELD_INVALID("result.metadata"));
    await refusesCall(
      stand,
      wire,
      method.claim,
      { key: newKey(), claimId: newClaimId(), metadata },
      FIELD_INVALID("metadata"),
    );
    await call(wire, method.complete, { handle, result: { ...result, metadata: { a: "v".repeat(4095) } } });
  });

  test.each<[string, object, Refusal]>([
    ["no kind", {}, FIELD_INVALID("kind")],
    ["an unknown kind", { kind: 77 as FailKind }, FIELD_INVALID("kind")],
    ["a negative kind", { kind: -1 as FailKind }, FIELD_INVALID("kind")],
    ["a delay for good", { kind: FailKind.TERMINAL, delay: { seconds: 1n } }, FIELD_INVALID("delay")],
    [
      "an error of a MiB",
      { kind: FailKind.TERMINAL, error: { message: CANARY.repeat(MIB / 6) } },
      { code: "INVALID_ARGUMENT", reason: "ERROR_TOO_LARGE", fields: ["error"] },
    ],
  ])(`${row(77)}: %s`, async (_, init, refusal) => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    const error = { message: CANARY };
    await refusesCall(stand, wire, method.fail, { handle, error, ...init }, refusal);
    await call(wire, method.heartbeat, { handle });
  });

  test(`${row(77)}, or well-formed ones with a secret in them, are stored and never logged`, async () => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    const error = { code: 16, message: `Authorization: Bearer ${CANARY}\n{"level":"error","message":"${CANARY}"}` };
    await call(wire, method.fail, { handle, kind: FailKind.TERMINAL, error });
    const detail = await replay(wire, handle.key ?? {});
    expect(detail.case === "failed" && detail.value.error).toMatchObject(error);
    expect(JSON.stringify(stand.server.lines)).not.toContain(CANARY);
  });

  test(`${row(79)} is refused; the failure stands`, async () => {
    const wire = stand.wires[name];
    const handle = await acquire(wire, { key: newKey() });
    await call(wire, method.fail, { handle, kind: FailKind.RETRYABLE, delay: { seconds: 60n } });
    const result = inline(new TextEncoder().encode(CANARY));
    await refusesCall(stand, wire, method.complete, { handle, result }, INVALID_STATE);
    await refusesCall(stand, wire, method.fail, { handle, kind: FailKind.TERMINAL }, INVALID_STATE);
    await refusesCall(stand, wire, method.heartbeat, { handle }, INVALID_STATE);
    const { outcome } = await call(wire, method.claim, { key: handle.key, claimId: newClaimId() });
    expect(outcome).toBe(ClaimOutcome.RETRY_SCHEDULED);
  });
});

test.each(BINARY_WIRES)(`${row(77)}: an error whose details are too large, %s`, async (name) => {
  const wire = stand.wires[name];
  const handle = await acquire(wire, { key: newKey() });
  const error = { details: [{ typeUrl: CANARY, value: new Uint8Array(1 << 14) }] };
  const refusal: Refusal = { code: "INVALID_ARGUMENT", reason: "ERROR_TOO_LARGE", fields: ["error"] };
  await refusesCall(stand, wire, method.fail, { handle, kind: FailKind.RETRYABLE, error }, refusal);
  await call(wire, method.heartbeat, { handle });
});

type Any = NonNullable<MessageInitShape<typeof StatusSchema>["details"]>[number];
const TYPES = "type.googleapis.com/";
const withoutEnd = create(ValueSchema, { kind: { case: "numberValue", value: Number.POSITIVE_INFINITY } });

/** As deep as 16 KiB allow: a list in a list in a list. */
function nestedLists(depth: number): Uint8Array {
  let value: Uint8Array = new Uint8Array();
  for (let level = 0; level < depth; level++) value = lengthDelimited(1, lengthDelimited(6, value));
  return value;
}

function lengthDelimited(field: number, value: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = value.length; rest > 0 || length.length === 0; rest >>>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Uint8Array.of((field << 3) | 2, ...length), value]);
}

describe(`${row(77)}, or well-formed ones with details that have no form in JSON, are replayed over every wire`, () => {
  test.each<[string, Any]>([
    ["of a type that nobody knows", { typeUrl: `${TYPES}acme.Secret`, value: Uint8Array.of(1, 2, 3) }],
    ["without a type", { typeUrl: "", value: Uint8Array.of(1) }],
    ["of a type that is none", { typeUrl: "/", value: Uint8Array.of(1) }],
    ["that are not what they say", { typeUrl: `${TYPES}google.protobuf.Duration`, value: Uint8Array.of(0xff) }],
    [
      "with text that is not UTF-8",
      { typeUrl: `${TYPES}google.protobuf.StringValue`, value: Uint8Array.of(10, 1, 0xff) },
    ],
    [
      "with a time outside the calendar",
      {
        typeUrl: `${TYPES}google.protobuf.Timestamp`,
        value: toBinary(TimestampSchema, create(TimestampSchema, { seconds: 2n ** 60n })),
      },
    ],
    [
      "with a malformed duration",
      {
        typeUrl: `${TYPES}google.rpc.RetryInfo`,
        value: toBinary(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { nanos: 2 ** 31 - 1 } })),
      },
    ],
    [
      "with a number without end",
      { typeUrl: `${TYPES}google.protobuf.Value`, value: toBinary(ValueSchema, withoutEnd) },
    ],
    ["with a value without a kind", { typeUrl: `${TYPES}google.protobuf.Value`, value: new Uint8Array() }],
    ["nested 2 000 deep", { typeUrl: `${TYPES}google.protobuf.ListValue`, value: nestedLists(2000) }],
  ])("details %s", async (_, detail) => {
    const error = { code: 3, message: "refused", details: [detail] };
    for (const sender of BINARY_WIRES) {
      const handle = await acquire(stand.wires[sender], { key: newKey() });
      await call(stand.wires[sender], method.fail, { handle, kind: FailKind.TERMINAL, error });
      for (const name of WIRE_NAMES) {
        const { detail } = await call(stand.wires[name], method.claim, { key: handle.key, claimId: newClaimId() });
        expect(detail.case === "failed" && detail.value.error?.details).toHaveLength(1);
      }
    }
  });
});

livesOn(stand);
