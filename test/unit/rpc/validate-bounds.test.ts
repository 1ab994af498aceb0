import type { DescMessage } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import {
  ClaimIntent,
  ClaimRequestSchema,
  CompleteRequestSchema,
  FailKind,
  FailRequestSchema,
  GetRecordRequestSchema,
  HeartbeatRequestSchema,
  WaitForRequestSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { ResolveTenantRequestSchema } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { WIRE } from "../../../src/rpc/status.ts";
import {
  claimWith,
  completeWith,
  type DurationInit,
  digest,
  failWith,
  faultOf,
  handle,
  heartbeatWith,
  inline,
  key,
  seconds,
  waitForWith,
} from "./validating.ts";

describe("what the contract allows passes", () => {
  test.each<[string, () => void]>([
    ["the shortest key", claimWith({ key: { scope: "s", key: "k" } })],
    ["the longest key", claimWith({ key: { tenant: "t".repeat(63), scope: "s".repeat(128), key: "k".repeat(512) } })],
    [
      "separators, right-to-left marks, emoji",
      claimWith({ key: { scope: "a:/\u001e\u001f", key: "\u202e\u200b😀𐍈" } }),
    ],
    ["names of object properties", claimWith({ key: { scope: "__proto__", key: "hasOwnProperty" } })],
    ["claim_ids of 16 and of 64 bytes", claimWith({ claimId: "c".repeat(64) })],
    ["fingerprints of 16 bytes", claimWith({ fingerprint: { algorithm: "md5", digest: digest(16) } })],
    ["fingerprints of 64 bytes", claimWith({ fingerprint: { algorithm: "a".repeat(32), digest: digest(64) } })],
    ["an empty fingerprint", claimWith({ fingerprint: {} })],
    ["RECONCILE with a wait of 0", claimWith({ intent: ClaimIntent.RECONCILE, wait: seconds(0) })],
    ["exactly 4 KiB of metadata", claimWith({ metadata: { a: "v".repeat(4095) } })],
    [
      "the bounds of every duration",
      claimWith({
        lease: seconds(3600),
        wait: seconds(60),
        policy: {
          maxExecution: seconds(604_800),
          resultRetention: seconds(7_776_000),
          tombstoneRetention: seconds(315_360_000),
        },
      }),
    ],
    ["an empty result", completeWith(inline(new Uint8Array()))],
    ["a result of 1 MiB", completeWith(inline(new Uint8Array(1 << 20)))],
    ["a result that is left out", completeWith({ body: { case: "omittedReason", value: "" } })],
    ["a checkpoint of 64 KiB", heartbeatWith({ checkpoint: { sequence: 1n, data: new Uint8Array(1 << 16) } })],
    [
      "the highest sequence and fence",
      heartbeatWith({
        handle: { ...handle, fence: 2n ** 63n - 1n },
        checkpoint: { sequence: 2n ** 63n - 1n },
      }),
    ],
    ["a delay of not-started", failWith({ kind: FailKind.NOT_STARTED, delay: seconds(60) })],
    ["a delay of 0 for good", failWith({ kind: FailKind.TERMINAL, delay: seconds(0) })],
    ["a target twice", waitForWith({ targets: [{ key }, { key }] })],
  ])("%s", (_, act) => {
    expect(act).not.toThrow();
  });
});

const withDuration: readonly [string, (value: DurationInit) => () => void, string, string][] = [
  ["lease", (lease) => claimWith({ lease }), "1s", "3600s"],
  ["wait", (wait) => claimWith({ wait }), "0s", "60s"],
  ["policy.max_execution", (maxExecution) => claimWith({ policy: { maxExecution } }), "1s", "604800s"],
  ["policy.result_retention", (resultRetention) => claimWith({ policy: { resultRetention } }), "60s", "7776000s"],
  [
    "policy.tombstone_retention",
    (tombstoneRetention) => claimWith({ policy: { tombstoneRetention } }),
    "0s",
    "315360000s",
  ],
  ["lease", (lease) => heartbeatWith({ lease }), "1s", "3600s"],
  ["delay", (delay) => failWith({ delay }), "0s", "7776000s"],
  ["timeout", (timeout) => waitForWith({ timeout }), "1s", "600s"],
  ["keep_alive_interval", (keepAliveInterval) => waitForWith({ keepAliveInterval }), "5s", "30s"],
];

describe.each(withDuration)("a duration in %s", (field, actWith, min, max) => {
  const [minSeconds, maxSeconds] = [Number.parseInt(min, 10), Number.parseInt(max, 10)];

  test.each<[string, DurationInit]>([
    ["nanos of a whole second", { nanos: 1_000_000_000 }],
    ["nanos of a whole second backwards", { nanos: -1_000_000_000 }],
    ["signs that differ", { seconds: 10n, nanos: -1 }],
    ["signs that differ the other way", { seconds: -10n, nanos: 1 }],
    ["more than 10 000 years", { seconds: 315_576_000_001n }],
    ["the largest int64", { seconds: 2n ** 63n - 1n }],
    ["the smallest int64", { seconds: -(2n ** 63n) }],
  ])("with %s is malformed", (_, value) => {
    const fault = faultOf(actWith(value));
    expect(fault.code).toBe("FIELD_INVALID");
    expect(fault.violations.map((violation) => violation.field)).toEqual([field]);
  });

  test.each<[string, DurationInit]>([
    ["a nanosecond too long", { seconds: BigInt(maxSeconds), nanos: 1 }],
    ["far too long", { seconds: 315_576_000_000n }],
    ["negative", { seconds: -1n, nanos: -1 }],
    [
      "a nanosecond too short",
      minSeconds === 0 ? { nanos: -1 } : { seconds: BigInt(minSeconds - 1), nanos: 999_999_999 },
    ],
  ])("%s is out of range, with min and max", (_, value) => {
    const fault = faultOf(actWith(value));
    expect(fault.code).toBe("DURATION_OUT_OF_RANGE");
    expect(fault.violations).toEqual([{ field, allowed: `must be from ${min} to ${max}` }]);
    expect(WIRE[fault.code].code).toBe(Code.OUT_OF_RANGE);
  });

  test("at its bounds passes", () => {
    expect(actWith(seconds(minSeconds))).not.toThrow();
    expect(actWith(seconds(maxSeconds))).not.toThrow();
  });
});

test("every duration of every request is checked", () => {
  const requests = [ClaimRequestSchema, HeartbeatRequestSchema, CompleteRequestSchema, FailRequestSchema]
    .concat(GetRecordRequestSchema as never, WaitForRequestSchema as never, ResolveTenantRequestSchema as never)
    .flatMap((request) => durationsBelow(request, ""));
  expect(requests.toSorted()).toEqual(withDuration.map(([field]) => field).toSorted());
});

function durationsBelow(message: DescMessage, prefix: string): string[] {
  return message.fields.flatMap((field) => {
    if (field.fieldKind !== "message") return [];
    if (field.message.typeName === "google.protobuf.Duration") return [prefix + field.name];
    return durationsBelow(field.message, `${prefix}${field.name}.`);
  });
}

describe("what is too large says so, and how large it may be", () => {
  test.each<[string, () => void, string, string, string]>([
    ["a result", completeWith(inline(new Uint8Array((1 << 20) + 1))), "RESULT_TOO_LARGE", "result.inline", "1048576"],
    [
      "a heartbeat's checkpoint",
      heartbeatWith({ checkpoint: { sequence: 1n, data: new Uint8Array((1 << 16) + 1) } }),
      "CHECKPOINT_TOO_LARGE",
      "checkpoint.data",
      "65536",
    ],
    [
      "a fail's checkpoint",
      failWith({ checkpoint: { sequence: 1n, data: new Uint8Array((1 << 16) + 1) } }),
      "CHECKPOINT_TOO_LARGE",
      "checkpoint.data",
      "65536",
    ],
    ["an error", failWith({ error: { code: 13, message: "e".repeat(1 << 20) } }), "ERROR_TOO_LARGE", "error", "16384"],
    [
      "an error's details",
      failWith({ error: { details: [{ typeUrl: "t/x", value: new Uint8Array(1 << 14) }] } }),
      "ERROR_TOO_LARGE",
      "error",
      "16384",
    ],
  ])("%s", (_, act, code, field, limit) => {
    const fault = faultOf(act);
    expect(fault.code).toBe(code);
    expect(fault.violations).toEqual([{ field, allowed: expect.stringContaining(limit) }]);
    expect(WIRE[fault.code].code).toBe(Code.INVALID_ARGUMENT);
  });

  test("an error of exactly 16 KiB is not", () => {
    // Tag and length of the message take four bytes.
    expect(failWith({ error: { message: "e".repeat((1 << 14) - 4) } })).not.toThrow();
  });
});
