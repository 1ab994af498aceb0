import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StatusSchema } from "../../../../gen/google/rpc/status_pb.ts";
import {
  ClaimResponseSchema,
  CompleteResponseSchema,
  FailResponseSchema,
  HeartbeatResponseSchema,
  SessionResponseSchema,
} from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { encodeAnswer } from "../../../../src/rpc/wire/session.ts";

const IDS = [1n, 127n, 128n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];

test.each([
  ["claim", ClaimResponseSchema, { detail: { case: "expired", value: { terminalState: 3 } } }],
  ["claim", ClaimResponseSchema, {}],
  ["heartbeat", HeartbeatResponseSchema, { hasWaiters: true }],
  ["complete", CompleteResponseSchema, { late: true }],
  ["fail", FailResponseSchema, { state: 2 }],
  ["error", StatusSchema, { code: 3, message: "m".repeat(300) }],
] as const)("an answer to %s is encoded as its SessionResponse is, under any id", (field, desc, init) => {
  const answer = create(desc, init as MessageInitShape<typeof desc>);
  for (const id of IDS) {
    const bytes = Buffer.concat(encodeAnswer(id, field, toBinary(desc, answer)));
    const whole = create(SessionResponseSchema, { id, answer: { case: field, value: answer } as never });
    expect(bytes).toEqual(Buffer.from(toBinary(SessionResponseSchema, whole)));
    expect(fromBinary(SessionResponseSchema, bytes)).toMatchObject({ id, answer: { case: field } });
  }
});

test("pieces stay as they are when the next answer is encoded", () => {
  const answer = new Uint8Array([8, 1]);
  const first = encodeAnswer(5n, "complete", answer);
  encodeAnswer(6n, "fail", answer);
  expect(fromBinary(SessionResponseSchema, Buffer.concat(first))).toMatchObject({
    id: 5n,
    answer: { case: "complete" },
  });
});
