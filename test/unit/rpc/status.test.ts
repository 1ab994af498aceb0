import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { anyIs, anyUnpack } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { Code, CodeSchema } from "../../../gen/google/rpc/code_pb.ts";
import { QuotaFailureSchema, RequestInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { ErrorReasonSchema } from "../../../gen/holdfast/v1/errors_pb.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import { toRpcError, WIRE } from "../../../src/rpc/status.ts";
import { quietContext, wireError } from "./bundle.ts";

const codes = Object.keys(WIRE).filter((name): name is FaultCode => name in WIRE);

const retryable: readonly FaultCode[] = [
  "TENANT_PENDING",
  "QUOTA_NEW_RECORDS",
  "QUOTA_LIVE_RECORDS",
  "QUOTA_BYTES",
  "QUOTA_LEASES",
  "QUOTA_WAITERS",
  "STORE_UNAVAILABLE",
  "VALIDATION_UNCERTAIN",
  "DRAINING",
  "OVERLOADED",
];

/** The code that errors.proto tells its readers, by reason. */
const documented = new Map(
  [
    ...readFileSync("proto/holdfast/v1/errors.proto", "utf8").matchAll(
      /\/\/ ([A-Z_]+)\. [^\n]*\n(?:\s*\/\/[^\n]*\n)*\s*ERROR_REASON_([A-Z_]+) =/g,
    ),
  ].map(([, code, reason]) => [reason, code]),
);

const send = (thrown: unknown, random = 0) => toRpcError(thrown, quietContext(), () => random);

const detailsOf = (status: Uint8Array) => fromBinary(StatusSchema, status).details;

describe("every reason", () => {
  test("is a value of the proto's enum, and the other way round", () => {
    const declared = ErrorReasonSchema.values.filter(({ number }) => number !== 0).map(({ localName }) => localName);
    expect(codes.toSorted()).toEqual(declared.toSorted());
  });

  test.each(codes)("%s travels under the code that the proto documents, with its reason and domain", (code) => {
    const sent = wireError(send(new Fault(code, "what happened")));
    expect(CodeSchema.value[sent.code]?.name).toBe(documented.get(code));
    expect(sent).toMatchObject({ reason: code, domain: "holdfast.v1" });
  });

  test.each(codes)("%s carries RetryInfo if and only if the same call can help later", (code) => {
    const sent = wireError(send(new Fault(code, "what happened", { retryAfterMs: 700 })));
    expect(sent.retryMs).toBe(retryable.includes(code) ? 700 : null);
    expect(sent.thrown.retryAfterMs).toBe(sent.retryMs);
  });

  test.each(retryable)("%s carries RetryInfo even when nobody said for how long", (code) => {
    expect(wireError(send(new Fault(code, "what happened"))).retryMs).toBeGreaterThan(0);
  });

  test.each(codes.filter((code) => code.startsWith("QUOTA_")))(
    "%s carries a QuotaFailure without the tenant",
    (code) => {
      const quota = detailsOf(send(new Fault(code, "used up")).status).find((any) => anyIs(any, QuotaFailureSchema));
      expect(quota && anyUnpack(quota, QuotaFailureSchema)?.violations[0]?.subject).toMatch(/^tenant:[a-z_]+$/);
    },
  );
});

test("retries of callers who failed at the same moment are spread, and never at once", () => {
  const fault = new Fault("STORE_UNAVAILABLE", "down", { retryAfterMs: 1000 });
  expect(send(fault, 0).retryAfterMs).toBe(1000);
  expect(send(fault, 0.999).retryAfterMs).toBe(1500);
  expect(send(new Fault("STORE_UNAVAILABLE", "down", { retryAfterMs: 0 })).retryAfterMs).toBe(1);
});

test.each([
  ["an error", new Error("password=hunter2 at 10.0.0.1")],
  ["a string", "hunter2"],
  ["a fault INTERNAL", new Fault("INTERNAL", "row of hunter2", { cause: new Error("hunter2") })],
])("%s that nobody foresaw becomes INTERNAL with a request id and nothing else", (_, thrown) => {
  const error = send(thrown);
  const sent = wireError(error);
  expect(sent).toMatchObject({ code: Code.INTERNAL, reason: "INTERNAL", retryMs: null, fields: {} });
  expect(Buffer.from(error.status).toString("latin1")).not.toContain("hunter2");
  const info = detailsOf(error.status).find((any) => anyIs(any, RequestInfoSchema));
  expect(info && anyUnpack(info, RequestInfoSchema)?.requestId).toBe("request-1");
  expect(error.cause).toBeDefined();
});

test("a fault's cause is for the log and not sent", () => {
  const error = send(new Fault("STORE_UNAVAILABLE", "down", { cause: new Error("hunter2") }));
  expect(error.cause).toEqual(new Error("hunter2"));
  expect(Buffer.from(error.status).toString("latin1")).not.toContain("hunter2");
});

test("a message is sent well-formed, whatever was in it", () => {
  expect(send(new Fault("INVALID_STATE", "half a \ud83d pair")).message).toBe("half a \ufffd pair");
});

test("what is an RpcError already stays as it is", () => {
  const error = send(new Fault("INVALID_STATE", "no"));
  expect(send(error)).toBe(error);
});

test("the details for Connect are those of the encoded status", () => {
  const error = send(new Fault("OVERLOADED", "full", { retryAfterMs: 200 }));
  const names = detailsOf(error.status).map(({ typeUrl }) => typeUrl.split("/")[1]);
  expect(error.details.map(({ desc }) => desc.typeName)).toEqual(names);
  expect(names).toContain(RetryInfoSchema.typeName);
});
