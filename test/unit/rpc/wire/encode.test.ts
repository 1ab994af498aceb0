import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StatusSchema } from "../../../../gen/google/rpc/status_pb.ts";
import {
  IdempotencyService,
  type Progress,
  ProgressSchema,
  RecordSchema,
  ResultSchema,
} from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { encode, encodeKnown } from "../../../../src/rpc/wire/encode.ts";
import { anyMessage } from "../random-messages.ts";

const messages: readonly (readonly [string, DescMessage])[] = [
  ...IdempotencyService.methods.flatMap(({ input, output }) => [input, output]),
  ...[RecordSchema, ResultSchema, StatusSchema, ProgressSchema],
].map((desc) => [desc.name, desc]);

const bytesOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe.each(messages)("%s", (_, desc) => {
  test("is the bytes that the library writes, with and without what it does not know", () => {
    fc.assert(
      fc.property(anyMessage(desc), (message) => {
        expect(bytesOf(encode(desc, message))).toBe(bytesOf(toBinary(desc, message)));
        const known = toBinary(desc, message, { writeUnknownFields: false });
        expect(bytesOf(encodeKnown(desc, message))).toBe(bytesOf(known));
      }),
      { numRuns: 60 },
    );
  });
});

test("a body of a megabyte is written, and what comes after it is itself again", () => {
  const large = create(ResultSchema, { body: { case: "inline", value: new Uint8Array(1024 * 1024).fill(3) } });
  const small = create(ResultSchema, { body: { case: "omittedReason", value: "too large" } });
  for (const result of [small, large, small]) {
    expect(encode(ResultSchema, result).equals(toBinary(ResultSchema, result))).toBe(true);
  }
});

test("what was written stays when something else is", () => {
  const [first, other] = ["first", "other"].map((message) => create(ProgressSchema, { message }));
  const written = [encode(ProgressSchema, first as Progress), encodeKnown(ProgressSchema, first as Progress)];
  encode(ProgressSchema, other as Progress);
  expect(written.map((bytes) => fromBinary(ProgressSchema, bytes).message)).toEqual(["first", "first"]);
});

test("a message with fields of kinds that are seldom used is written too", () => {
  const struct = create(StructSchema, { fields: { a: { kind: { case: "stringValue", value: "b" } } } });
  expect(bytesOf(encode(StructSchema, struct))).toBe(bytesOf(toBinary(StructSchema, struct)));
  const files = create(FileDescriptorSetSchema, { file: [{ name: "a.proto", publicDependency: [1, 2] }] });
  expect(bytesOf(encode(FileDescriptorSetSchema, files))).toBe(bytesOf(toBinary(FileDescriptorSetSchema, files)));
});
