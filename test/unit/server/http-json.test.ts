import { create, toJson } from "@bufbuild/protobuf";
import { anyPack, TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { ClaimResponseSchema, GetRecordResponseSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { JSON_OPTIONS, makePrintable } from "../../../src/server/http-json.ts";

const known = () => anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "DOWN" }));
const unknown = () => ({ typeUrl: "type.googleapis.com/acme.Secret", value: new Uint8Array([1, 2, 3]) });
const broken = () => ({
  typeUrl: `type.googleapis.com/${ErrorInfoSchema.typeName}`,
  value: new Uint8Array([0x0a, 0xff]),
});

test("details of known types are printed as they are, and others as their type and bytes", () => {
  const response = create(GetRecordResponseSchema, { error: { code: 14, details: [known(), unknown(), broken()] } });
  makePrintable(GetRecordResponseSchema, response);
  const json = toJson(GetRecordResponseSchema, response, JSON_OPTIONS);
  expect(json).toMatchObject({
    error: {
      details: [
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "DOWN" },
        { "@type": "type.googleapis.com/google.protobuf.Struct", value: { typeUrl: unknown().typeUrl, value: "AQID" } },
        { "@type": "type.googleapis.com/google.protobuf.Struct", value: { typeUrl: broken().typeUrl } },
      ],
    },
  });
});

test.each([
  ["a time outside the calendar", anyPack(TimestampSchema, create(TimestampSchema, { seconds: 2n ** 60n }))],
  ["a value without a kind", anyPack(ValueSchema, create(ValueSchema))],
])("details of known types that JSON has no form for are printed as type and bytes: %s", (_, detail) => {
  const response = create(GetRecordResponseSchema, { error: { code: 14, details: [detail] } });
  makePrintable(GetRecordResponseSchema, response);
  const json = JSON.stringify(toJson(GetRecordResponseSchema, response, JSON_OPTIONS));
  expect(json).toContain(`"typeUrl":"${detail.typeUrl}"`);
});

test("they are found inside a oneof too", () => {
  const response = create(ClaimResponseSchema, {
    detail: { case: "failed", value: { error: { code: 3, details: [unknown()] } } },
  });
  makePrintable(ClaimResponseSchema, response);
  expect(JSON.stringify(toJson(ClaimResponseSchema, response, JSON_OPTIONS))).toContain("acme.Secret");
});

test("a response without details is left alone", () => {
  const response = create(ClaimResponseSchema, { detail: { case: "inProgress", value: { attempt: 2 } } });
  const before = toJson(ClaimResponseSchema, response);
  makePrintable(ClaimResponseSchema, response);
  expect(toJson(ClaimResponseSchema, response)).toEqual(before);
});
