import { create, fromBinary, getExtension, hasExtension, type MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { field } from "../../../gen/buf/validate/validate_pb.ts";
import { ServerReflectionRequestSchema } from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { answer, createIndex } from "../../../src/server/reflection.ts";

const index = createIndex([IdempotencyService]);

type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"]>;

function ask(messageRequest: Question) {
  return answer(index, create(ServerReflectionRequestSchema, { messageRequest }));
}

function filesOf(messageRequest: Question) {
  const found = ask(messageRequest);
  if (found.case !== "fileDescriptorResponse") throw new Error(`answered ${found.case}`);
  return (found.value.fileDescriptorProto ?? []).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

test("services are listed by their full names", () => {
  expect(ask({ case: "listServices", value: "" })).toEqual({
    case: "listServicesResponse",
    value: { service: [{ name: "holdfast.v1.IdempotencyService" }] },
  });
});

describe("a file", () => {
  test("comes with everything that it imports, once each, the file itself first", () => {
    const names = filesOf({ case: "fileByFilename", value: "holdfast/v1/idempotency.proto" }).map(({ name }) => name);
    expect(names[0]).toBe("holdfast/v1/idempotency.proto");
    expect(names).toContain("google/protobuf/duration.proto");
    expect(names).toContain("buf/validate/validate.proto");
    expect(new Set(names).size).toBe(names.length);
  });

  test("keeps the validation rules of its fields", () => {
    const [file] = filesOf({ case: "fileByFilename", value: "holdfast/v1/idempotency.proto" });
    const key = file?.messageType.find(({ name }) => name === "RecordKey")?.field.find(({ name }) => name === "key");
    if (key?.options === undefined) throw new Error("no options");
    expect(hasExtension(key.options, field)).toBe(true);
    const { type } = getExtension(key.options, field);
    expect(type.case === "string" && type.value.maxBytes).toBe(512n);
  });

  test.each([
    "holdfast.v1.IdempotencyService",
    "holdfast.v1.IdempotencyService.Claim",
    "holdfast.v1.ClaimRequest",
    "holdfast.v1.ClaimRequest.claim_id",
    "holdfast.v1.LeaseChanged.Kind",
    "holdfast.v1.CLAIM_OUTCOME_ACQUIRED",
    "holdfast.v1.LeaseChanged.KIND_LAPSED",
    "holdfast.v1.Result.body",
  ])("is found by the symbol %s", (value) => {
    expect(filesOf({ case: "fileContainingSymbol", value })[0]?.name).toBe("holdfast/v1/idempotency.proto");
  });

  test("is found by the extension that it declares", () => {
    const value = { containingType: "google.protobuf.FieldOptions", extensionNumber: 1159 };
    expect(filesOf({ case: "fileContainingExtension", value })[0]?.name).toBe("buf/validate/validate.proto");
  });
});

test("the extension numbers of a type are all told", () => {
  const found = ask({ case: "allExtensionNumbersOfType", value: "google.protobuf.FieldOptions" });
  expect(found.case === "allExtensionNumbersResponse" && found.value.extensionNumber).toContain(1159);
});

test("a type without extensions has none, which is no error", () => {
  const found = ask({ case: "allExtensionNumbersOfType", value: "holdfast.v1.ClaimRequest" });
  expect(found).toMatchObject({ case: "allExtensionNumbersResponse", value: { extensionNumber: [] } });
});

test.each<Question>([
  { case: "fileByFilename", value: "secret.proto" },
  { case: "fileContainingSymbol", value: "secret.Symbol" },
  { case: "fileContainingSymbol", value: "constructor" },
  { case: "fileContainingExtension", value: { containingType: "secret.Type", extensionNumber: 1 } },
  { case: "allExtensionNumbersOfType", value: "secret.Type" },
])("what is not known is NOT_FOUND, and is not quoted: $case $value", (question) => {
  const found = ask(question);
  expect(found).toMatchObject({ case: "errorResponse", value: { errorCode: 5 } });
  expect(JSON.stringify(found.value)).not.toContain("secret");
});

test("a request without a question is NOT_FOUND", () => {
  expect(answer(index, create(ServerReflectionRequestSchema)).case).toBe("errorResponse");
});
