import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  completeOf,
  createClaims,
  createNames,
  fieldOf,
  handleOf,
  nameOf,
  outcomeOf,
  sessionRequest,
} from "../../../bench/load/messages.ts";
import {
  ClaimRequestSchema,
  ClaimResponseSchema,
  CompleteRequestSchema,
  LeaseHandleSchema,
  SessionRequestSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";

const HANDLE = create(LeaseHandleSchema, {
  key: { tenant: "acme", scope: "charge", key: "order-1" },
  token: new Uint8Array(16).fill(200),
  fence: 300n,
});
const ACQUIRED = Buffer.from(
  toBinary(
    ClaimResponseSchema,
    create(ClaimResponseSchema, {
      detail: { case: "acquired", value: { lease: { handle: HANDLE, fence: 300n, attempt: 1 } } },
    }),
  ),
);

/** From a copy, or its bytes would be Buffers and equal to no message. */
const decode = <Desc extends DescMessage>(schema: Desc, bytes: Buffer) => fromBinary(schema, new Uint8Array(bytes));

test("a claim made from the template is the claim of its key, with a claim id of its own", () => {
  const claimOf = createClaims({ leaseSeconds: 300, waitSeconds: 60 });
  const [key, other] = [nameOf("ended", 7), nameOf("ended", 8)];
  const [first, second] = [key, other].map((one) => decode(ClaimRequestSchema, claimOf(one)));
  expect(first).toMatchObject({ key: { scope: "charge", key }, lease: { seconds: 300n }, wait: { seconds: 60n } });
  expect(second?.key?.key).toBe(other);
  expect(first?.claimId).toHaveLength(36);
  expect(second?.claimId).not.toBe(first?.claimId);
});

test("names are of one length, and nobody makes the same one twice", () => {
  const [mine, yours] = [createNames(), createNames()];
  const names = Array.from({ length: 1_000 }, () => [mine(), yours()]).flat();
  expect(new Set(names).size).toBe(names.length);
  for (const name of [...names, nameOf("store-ended", 123_456)]) expect(name).toHaveLength(36);
});

test("the handle of an answer is handed back as it came", () => {
  expect(outcomeOf(ACQUIRED)).toBe("acquired");
  const complete = decode(CompleteRequestSchema, completeOf(handleOf(ACQUIRED)));
  expect(complete.handle).toEqual(HANDLE);
  expect(complete.result?.body.case).toBe("inline");
});

test("an answer without a lease is named where one was expected", () => {
  const progress = create(ClaimResponseSchema, { detail: { case: "inProgress", value: {} } });
  expect(() => handleOf(Buffer.from(toBinary(ClaimResponseSchema, progress)))).toThrow(
    "a fresh key was answered inProgress",
  );
});

test("what a session is sent is what the unary call would have been sent, with its id", () => {
  const claim = createClaims()(nameOf("ended", 1));
  for (const id of [1, 127, 128, 2 ** 40]) {
    const request = decode(SessionRequestSchema, sessionRequest(id, "claim", claim));
    expect(request.id).toBe(BigInt(id));
    expect(request.call).toEqual({ case: "claim", value: decode(ClaimRequestSchema, claim) });
  }
  const complete = decode(SessionRequestSchema, sessionRequest(2, "complete", completeOf(handleOf(ACQUIRED))));
  expect(complete.call).toMatchObject({ case: "complete", value: { handle: HANDLE } });
});

test("a field that is not there is not found", () => {
  expect(fieldOf(ACQUIRED, 99)).toBeUndefined();
});
