import { create } from "@bufbuild/protobuf";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  LeaseSchema,
  type Progress,
  ProgressSchema,
  RecordKeySchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import {
  bytes,
  json,
  NotSerializableError,
  protobuf,
  type ResultUnavailableError,
} from "../../../src/client/client.ts";
import { job, start, thrown } from "./one-job.ts";

const half = create(ProgressSchema, { fraction: 0.5, message: "half" });

describe("protobuf", () => {
  const serializer = protobuf(ProgressSchema);

  test("stores messages, and gives whoever gets the replay one of the same type", async () => {
    const { holdfast } = start();
    const first = await holdfast.once({ ...job, serializer }, () => half);
    const second = await holdfast.once({ ...job, serializer }, () => half);
    expectTypeOf(second.value).toEqualTypeOf<Progress>();
    expect(first.value).toEqual(half);
    expect(second).toMatchObject({ value: half, replayed: true });
    expect(await holdfast.result({ ...job, input: job.input }, { serializer })).toEqual(half);
  });

  test("names the message in the content type, so that another one's bytes are not read as its own", async () => {
    expect(serializer.contentType).toBe("application/x-protobuf; proto=holdfast.v1.Progress");
    const { holdfast } = start();
    await holdfast.once({ ...job, serializer: protobuf(RecordKeySchema) }, () => create(RecordKeySchema, { key: "a" }));
    const error = await thrown(holdfast.once({ ...job, serializer }, () => half));
    expect(error).toMatchObject({ name: "ResultUnavailableError", why: "unreadable", replayed: true });
    expect((error as ResultUnavailableError).cause).toMatchObject({
      message:
        "it is stored as application/x-protobuf; proto=holdfast.v1.RecordKey, and the serializer reads application/x-protobuf; proto=holdfast.v1.Progress",
    });
  });

  test.each<[string, unknown, string]>([
    ["another message", create(RecordKeySchema), "a holdfast.v1.RecordKey"],
    ["a plain object", { fraction: 1, message: "" }, "a value of type object"],
    ["null", null, "null"],
    ["nothing", undefined, "a value of type undefined"],
  ])("does not take %s: the record ends without a result", async (_, value, what) => {
    const { holdfast, state } = start();
    const error = await thrown(holdfast.once({ ...job, serializer }, () => value as Progress));
    expect(error).toMatchObject({ name: "ResultUnavailableError", why: "omitted", replayed: false, value });
    const { cause } = error as ResultUnavailableError;
    expect(cause).toBeInstanceOf(NotSerializableError);
    expect(cause).toMatchObject({ message: `the work returned ${what}, and no holdfast.v1.Progress: create() it` });
    expect(await state()).toBe("completed");
  });

  test("does not take a field that does not fit its type either", async () => {
    const { holdfast } = start();
    const broken = create(LeaseSchema, { attempt: 2 ** 40 });
    const error = await thrown(holdfast.once({ ...job, serializer: protobuf(LeaseSchema) }, () => broken));
    expect(error).toMatchObject({ why: "omitted", cause: { name: "NotSerializableError" } });
  });

  test("keeps the fields of a newer message", async () => {
    const { holdfast } = start();
    const newer = create(ProgressSchema, { message: "x" });
    newer.$unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];
    await holdfast.once({ ...job, serializer }, () => newer);
    const { value } = await holdfast.once({ ...job, serializer }, () => half);
    expect(value.$unknown).toMatchObject([{ no: 99 }]);
  });

  test("refuses a message whose name is longer than a content type may be", () => {
    const schema = { ...ProgressSchema, typeName: "a".repeat(300) } as typeof ProgressSchema;
    expect(() => protobuf(schema)).toThrow("the name of a message must be up to 226 characters");
  });
});

describe("json", () => {
  interface Order {
    readonly id: number;
  }
  const order = json((value): Order => {
    if (typeof value === "object" && value !== null && "id" in value) return { id: Number(value.id) };
    throw new TypeError("no order");
  });

  test("gives its type to the result, by the caller's word or by what checks it", async () => {
    const { holdfast } = start();
    const first = await holdfast.once({ ...job, serializer: json<Order>() }, () => ({ id: 1 }));
    expectTypeOf(first.value).toEqualTypeOf<Order>();
    const second = await holdfast.once({ ...job, serializer: order }, () => ({ id: 2 }));
    expectTypeOf(second.value).toEqualTypeOf<Order>();
    expect(second.value).toEqual({ id: 1 });
  });

  test("a stored result that is not what it should be is unreadable, and says why", async () => {
    const { holdfast } = start();
    await holdfast.once<unknown>(job, () => "just text");
    const error = await thrown(holdfast.once({ ...job, serializer: order }, () => ({ id: 2 })));
    expect(error).toMatchObject({ name: "ResultUnavailableError", why: "unreadable", cause: { message: "no order" } });
  });

  test("of nothing is nothing, and of bytes is refused, stored or to be stored", async () => {
    const { holdfast } = start();
    await holdfast.once({ ...job, serializer: json() }, () => undefined);
    expect((await holdfast.once<unknown>({ ...job, serializer: json() }, () => 1)).value).toBe(undefined);
    const stored = { ...job, key: "b" };
    await holdfast.once(stored, () => new Uint8Array([1]));
    expect(await thrown(holdfast.once({ ...stored, serializer: json() }, () => 1))).toMatchObject({
      why: "unreadable",
    });
    const own = await thrown(holdfast.once({ ...job, key: "c", serializer: json() }, () => new Uint8Array([1])));
    expect(own).toMatchObject({ why: "omitted", cause: { name: "NotSerializableError" } });
  });
});

describe("bytes", () => {
  test("come back as they were, a copy each time", async () => {
    const { holdfast } = start();
    const kept = new Uint8Array([1, 2, 3]);
    const first = await holdfast.once({ ...job, serializer: bytes() }, () => kept.subarray(1));
    expectTypeOf(first.value).toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    first.value.fill(0);
    expect((await holdfast.once({ ...job, serializer: bytes() }, () => kept)).value).toEqual(new Uint8Array([2, 3]));
  });

  test("of what is none are not made: the record ends without a result, and JSON is not read as bytes", async () => {
    const { holdfast } = start();
    const error = await thrown(holdfast.once({ ...job, serializer: bytes() }, () => "text" as never));
    expect(error).toMatchObject({
      why: "omitted",
      cause: { message: "the work returned a value of type string, not bytes" },
    });
    await holdfast.once({ ...job, key: "b" }, () => "text");
    const replay = await thrown(holdfast.once({ ...job, key: "b", serializer: bytes() }, () => new Uint8Array()));
    expect(replay).toMatchObject({ why: "unreadable" });
  });
});
