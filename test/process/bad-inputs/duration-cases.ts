import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { DurationSchema } from "@bufbuild/protobuf/wkt";
import { FailKind, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { FieldCase } from "./field-cases.ts";
import { CANARY, FIELD_INVALID, generic, type Refusal } from "./stand.ts";
import { encode, type Method } from "./wires.ts";

const { method } = IdempotencyService;

type DurationInit = MessageInitShape<typeof DurationSchema>;

const key = { scope: "charge", key: CANARY };
const handle = { key, token: new Uint8Array(16), fence: 1n };
const claim = { key, claimId: "0123456789abcdef" };

/** Every duration that a request has: where it stands, its bounds in seconds, and a request with it. */
const DURATIONS: readonly Place[] = [
  at(method.claim, "lease", [1, 3600], (lease) => ({ ...claim, lease })),
  at(method.claim, "wait", [0, 60], (wait) => ({ ...claim, wait })),
  at(method.claim, "policy.max_execution", [1, 604_800], (maxExecution) => ({ ...claim, policy: { maxExecution } })),
  at(method.claim, "policy.result_retention", [60, 7_776_000], (resultRetention) => ({
    ...claim,
    policy: { resultRetention },
  })),
  at(method.claim, "policy.tombstone_retention", [0, 315_360_000], (tombstoneRetention) => ({
    ...claim,
    policy: { tombstoneRetention },
  })),
  at(method.heartbeat, "lease", [1, 3600], (lease) => ({ handle, lease })),
  at(method.fail, "delay", [0, 7_776_000], (delay) => ({ handle, kind: FailKind.RETRYABLE, delay })),
];

interface Place {
  readonly field: string;
  readonly min: number;
  readonly max: number;
  readonly method: Method;
  request(value: DurationInit): FieldCase["request"];
}

/** JSON has no words for them, and what it has instead is asked in durations.test.ts. */
const MALFORMED: readonly DurationInit[] = [
  { seconds: 2n, nanos: 1_000_000_000 },
  { seconds: -2n, nanos: -1_000_000_000 },
  { seconds: 2n, nanos: 2 ** 31 - 1 },
  { seconds: 2n, nanos: -1 },
  { seconds: -2n, nanos: 1 },
  { seconds: 315_576_000_001n },
  { seconds: 2n ** 63n - 1n },
  { seconds: -(2n ** 63n) },
];

export const DURATION_CASES: readonly FieldCase[] = DURATIONS.flatMap((place) => {
  const { field, min, max, method } = place;
  const outside: readonly DurationInit[] = [
    { seconds: BigInt(max), nanos: 1 },
    { seconds: BigInt(max + 1) },
    // As far as a duration goes: ten thousand years, past the end of a database's calendar.
    { seconds: 315_576_000_000n },
    { nanos: -1 },
    { seconds: -86_400n },
    ...(min > 0 ? [{}, { seconds: BigInt(min - 1), nanos: 999_999_999 }] : []),
  ];
  const refusal: Refusal = { code: "OUT_OF_RANGE", reason: "DURATION_OUT_OF_RANGE", fields: [field] };
  const allowed = `must be from ${min}s to ${max}s`;
  const says = ({ seconds = 0n, nanos = 0 }: DurationInit) => `${field} of ${seconds} s and ${nanos} ns`;
  return [
    ...MALFORMED.map(
      (value): FieldCase => ({
        ...{ row: 52, says: says(value), method, refusal: FIELD_INVALID(field) },
        request: (wire) => (wire.format === "json" ? null : place.request(value)(wire)),
      }),
    ),
    ...outside.map(
      (value): FieldCase => ({
        ...{ row: 53, says: says(value), method, refusal, allowed, request: place.request(value) },
      }),
    ),
  ];
});

function at<I extends DescMessage, O extends DescMessage>(
  rpc: Method<I, O>,
  field: string,
  bounds: readonly [number, number],
  init: (value: DurationInit) => MessageInitShape<I>,
): Place {
  const [min, max] = bounds;
  const request = (value: DurationInit) => (wire: Parameters<typeof encode>[0]) => encode(wire, rpc, init(value));
  return { field, min, max, method: generic(rpc), request };
}
