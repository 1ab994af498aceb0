import { fromBinary, fromJson, fromJsonString, type JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { ClaimRequestSchema, HeartbeatRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { Malformed } from "../../../src/rpc/endpoint.ts";
import { bundle, methods } from "./bundle.ts";

describe("what cannot be decoded is FIELD_INVALID", () => {
  const decoded = (decode: () => unknown) => {
    try {
      decode();
    } catch (thrown) {
      return new Malformed(thrown);
    }
    throw new Error("expected a decoding error");
  };

  /** An invalid byte in claim_id, in key.scope, in a name and in a value of metadata. */
  test.each([
    ["overlong", [0x12, 2, 0xc0, 0x80]],
    ["a surrogate", [0x12, 3, 0xed, 0xa0, 0x80]],
    ["in a nested message", [0x0a, 3, 0x12, 1, 0xff]],
    ["in the name of a map", [0x4a, 3, 0x0a, 1, 0xff]],
    ["in the value of a map", [0x4a, 3, 0x12, 1, 0xff]],
    ["behind 60 letters", [0x12, 61, ...new Array<number>(60).fill(0x61), 0xff]],
  ])("invalid UTF-8, %s", async (_, bytes) => {
    const malformed = decoded(() => fromBinary(ClaimRequestSchema, Uint8Array.from(bytes)));
    const sent = await bundle().failure(methods.claim, malformed);
    expect(sent).toMatchObject({ code: Code.INVALID_ARGUMENT, reason: "FIELD_INVALID" });
    expect(sent.message).toBe("the request could not be decoded as holdfast.v1.ClaimRequest");
  });

  test("bytes that end too early", async () => {
    const malformed = decoded(() => fromBinary(ClaimRequestSchema, Uint8Array.from([0x0a, 200, 1])));
    expect(await bundle().failure(methods.claim, malformed)).toMatchObject({ reason: "FIELD_INVALID" });
  });

  test.each<[JsonValue, Readonly<Record<string, string>>]>([
    [{ claimId: 7 }, { claim_id: "does not have a value of its type" }],
    [{ key: { scope: "hunter2\ud800" } }, { "key.scope": "does not have a value of its type" }],
    [{ metadata: { hunter2: 7 } }, { metadata: "must be a map of strings" }],
    [
      { policy: { onLeaseExpiry: "HUNTER2" } },
      {
        "policy.on_lease_expiry": "must be one of LEASE_EXPIRY_POLICY_REACQUIRE, LEASE_EXPIRY_POLICY_HOLD",
      },
    ],
    [{ owner: "hunter2" }, { owner: "must be a holdfast.v1.Owner, with none but its fields" }],
    [{ owner: { hunter2: 7 } }, { owner: "must be a holdfast.v1.Owner, with none but its fields" }],
    [{ hunter2: 7 }, {}],
    [{ lease: "hunter2" }, {}],
  ])("JSON such as %j, which names the field where the decoder does and never the value", async (json, fields) => {
    const sent = await bundle().failure(
      methods.claim,
      decoded(() => fromJson(ClaimRequestSchema, json)),
    );
    expect(sent).toMatchObject({ reason: "FIELD_INVALID", fields });
    expect(sent.message.toLowerCase()).not.toContain("hunter2");
    expect(sent.thrown.cause).toBeUndefined();
  });

  test.each(["{", "[]", '{"hunter2": 7}'])("%s, which is told apart from a field of another type", async (text) => {
    const sent = await bundle().failure(
      methods.claim,
      decoded(() => fromJsonString(ClaimRequestSchema, text)),
    );
    expect(sent.message).toBe(
      "the request could not be decoded as holdfast.v1.ClaimRequest: it is no JSON object, or has a field that this " +
        "message does not have",
    );
  });

  test("of a duration in a request with several the type is told, and how it is written", async () => {
    const sent = await bundle().failure(
      methods.claim,
      decoded(() => fromJson(ClaimRequestSchema, { wait: 30 })),
    );
    expect(sent.fields).toEqual({});
    expect(sent.message).toContain(
      'a google.protobuf.Duration in it must be a number of seconds as text, such as "30s"',
    );
  });

  test("the only duration of a request is named", async () => {
    const sent = await bundle().failure(
      methods.heartbeat,
      decoded(() => fromJson(HeartbeatRequestSchema, { lease: "30" })),
    );
    expect(Object.keys(sent.fields)).toEqual(["lease"]);
  });

  test("a field that the request can hold in one place only is named with its whole path", async () => {
    const json = { handle: { key: { key: 7 } } };
    const sent = await bundle().failure(
      methods.heartbeat,
      decoded(() => fromJson(HeartbeatRequestSchema, json)),
    );
    expect(Object.keys(sent.fields)).toEqual(["handle.key.key"]);
  });

  test("or what the adapter says it is", async () => {
    const fault = new Fault("FIELD_INVALID", "grpc-timeout must be a number and a unit");
    const sent = await bundle().failure(methods.claim, new Malformed(fault));
    expect(sent).toMatchObject({ reason: "FIELD_INVALID", message: fault.message });
  });

  test("what an adapter has wrapped", async () => {
    const inner = decoded(() => fromJson(ClaimRequestSchema, { claimId: 7 })).cause;
    const sent = await bundle().failure(methods.claim, new Malformed(new Error("wrapped", { cause: inner })));
    expect(Object.keys(sent.fields)).toEqual(["claim_id"]);
  });
});
