import { type DescField, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { field as fieldRules } from "../../../gen/buf/validate/validate_pb.ts";
import {
  CheckpointSchema,
  ClaimPolicySchema,
  ClaimRequestSchema,
  FailRequestSchema,
  FingerprintSchema,
  HeartbeatRequestSchema,
  LeaseHandleSchema,
  OwnerSchema,
  RecordKeySchema,
  ResultSchema,
  WaitForRequestSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { ResolveTenantRequestSchema } from "../../../gen/holdfast/v1/tenant_pb.ts";
import {
  CHECKPOINT_BYTES_MAX,
  checkMetadata,
  ERROR_BYTES_MAX,
  LIMITS,
  RESULT_BYTES_MAX,
} from "../../../src/client/limits.ts";
import { ATTEMPTS_MAX, DURATIONS, SIZES } from "../../../src/domain/limits.ts";

function fieldOf(message: DescMessage, name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`${message.typeName} has no field ${name}`);
  return field;
}

/** What the proto says of a field, under the name of its kind of rule. */
function rulesOf(message: DescMessage, name: string) {
  const { type } = getOption(fieldOf(message, name), fieldRules);
  return type;
}

const ms = (duration: Duration) => Number(duration.seconds) * 1000 + duration.nanos / 1e6;

const durations = [
  [ClaimRequestSchema, "lease", DURATIONS.lease],
  [ClaimRequestSchema, "wait", DURATIONS.wait],
  [ClaimPolicySchema, "max_execution", DURATIONS.maxExecution],
  [ClaimPolicySchema, "result_retention", DURATIONS.resultRetention],
  [ClaimPolicySchema, "tombstone_retention", DURATIONS.tombstoneRetention],
  [HeartbeatRequestSchema, "lease", DURATIONS.lease],
  [FailRequestSchema, "delay", DURATIONS.delay],
  [WaitForRequestSchema, "timeout", DURATIONS.waitForTimeout],
  [WaitForRequestSchema, "keep_alive_interval", DURATIONS.keepAliveInterval],
] as const;

test.each(durations)("the proto bounds %s.%s as the limits do", (message, name, bounds) => {
  const type = rulesOf(message, name);
  if (type.case !== "duration") throw new Error("no duration rules");
  const { greaterThan, lessThan } = type.value;
  if (greaterThan.case !== "gte" || lessThan.case !== "lte") throw new Error("other bounds than gte and lte");
  expect({ minMs: ms(greaterThan.value), maxMs: ms(lessThan.value) }).toEqual(bounds);
});

test("every duration that the proto bounds is among them", () => {
  const messages = ClaimRequestSchema.file.messages.concat(ResolveTenantRequestSchema.file.messages);
  const bounded = messages.flatMap((message) =>
    message.fields
      .filter((field) => hasOption(field, fieldRules) && getOption(field, fieldRules).type.case === "duration")
      .map((field) => `${message.typeName}.${field.name}`),
  );
  expect(bounded.toSorted()).toEqual(durations.map(([message, name]) => `${message.typeName}.${name}`).toSorted());
});

test.each([
  [RecordKeySchema, "tenant", 0, SIZES.tenantBytesMax],
  [RecordKeySchema, "scope", 1, SIZES.scopeBytesMax],
  [RecordKeySchema, "key", 1, SIZES.keyBytesMax],
  [ClaimRequestSchema, "claim_id", SIZES.claimIdBytesMin, SIZES.claimIdBytesMax],
  [ClaimRequestSchema, "external_ref", 0, SIZES.labelBytesMax],
  [HeartbeatRequestSchema, "external_ref", 0, SIZES.labelBytesMax],
  [FingerprintSchema, "algorithm", 0, SIZES.fingerprintAlgorithmBytesMax],
  [OwnerSchema, "service", 0, SIZES.labelBytesMax],
  [OwnerSchema, "instance", 0, SIZES.labelBytesMax],
  [ResultSchema, "content_type", 0, SIZES.labelBytesMax],
  [ResolveTenantRequestSchema, "tenant_id", 1, SIZES.tenantBytesMax],
])("the proto bounds the text %s.%s as the limits do", (message, name, min, max) => {
  const type = rulesOf(message, name);
  if (type.case !== "string") throw new Error("no string rules");
  expect([Number(type.value.minBytes), Number(type.value.maxBytes)]).toEqual([min, max]);
});

test.each([
  [FingerprintSchema, "digest", SIZES.fingerprintBytesMin, SIZES.fingerprintBytesMax],
  [CheckpointSchema, "data", 0, SIZES.checkpointBytesMax],
  [ResultSchema, "inline", 0, SIZES.resultInlineBytesMax],
])("the proto bounds the bytes %s.%s as the limits do", (message, name, min, max) => {
  const type = rulesOf(message, name);
  if (type.case !== "bytes") throw new Error("no bytes rules");
  expect([Number(type.value.minLen), Number(type.value.maxLen)]).toEqual([min, max]);
});

test("the proto bounds token and attempts as the limits do", () => {
  expect(rulesOf(LeaseHandleSchema, "token")).toMatchObject({
    case: "bytes",
    value: { len: BigInt(SIZES.tokenBytes) },
  });
  expect(rulesOf(ClaimPolicySchema, "max_attempts")).toMatchObject({
    case: "uint32",
    value: { lessThan: { case: "lte", value: ATTEMPTS_MAX } },
  });
});

test("the client bounds what it sends as the limits do", () => {
  expect(LIMITS).toEqual({
    tenant: { min: 0, max: SIZES.tenantBytesMax },
    scope: { min: 1, max: SIZES.scopeBytesMax },
    key: { min: 1, max: SIZES.keyBytesMax },
    label: { min: 0, max: SIZES.labelBytesMax },
  });
  expect(RESULT_BYTES_MAX).toBe(SIZES.resultInlineBytesMax);
  expect(CHECKPOINT_BYTES_MAX).toBe(SIZES.checkpointBytesMax);
  expect(ERROR_BYTES_MAX).toBe(SIZES.errorBytesMax);
  const metadata = (bytes: number) => () => checkMetadata({ a: "x".repeat(bytes - 1) });
  expect(metadata(SIZES.metadataBytesMax)).not.toThrow();
  expect(metadata(SIZES.metadataBytesMax + 1)).toThrow();
});
