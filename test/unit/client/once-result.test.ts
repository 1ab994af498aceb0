import { describe, expect, test } from "vitest";
import { ResultUnavailableError } from "../../../src/client/client.ts";
import { job, start, thrown } from "./one-job.ts";

describe("a replay", () => {
  test.each([
    ["null", null],
    ["0", 0],
    ["the empty string", ""],
    ["false", false],
    ["undefined", undefined],
    ["an empty list", []],
    ["text with a lone surrogate", "a\ud800b"],
    ["no bytes", new Uint8Array()],
    ["bytes", new Uint8Array([0, 255, 1])],
  ])("of %s is that very value", async (_, value) => {
    const { holdfast } = start();
    const first = await holdfast.once<unknown>(job, () => value);
    const second = await holdfast.once<unknown>(job, () => "never");
    expect(first.value).toStrictEqual(value);
    expect(second).toStrictEqual({ value, replayed: true, attempt: 1, reason: undefined, protected: true });
  });

  test("is a fresh value each time: changing it harms nobody", async () => {
    const { holdfast } = start();
    await holdfast.once<{ list: number[] }>(job, () => ({ list: [1] }));
    for (let again = 0; again < 2; again++) {
      const { value } = await holdfast.once<{ list: number[] }>(job, () => ({ list: [] }));
      expect(value).toEqual({ list: [1] });
      value.list.push(2);
    }
  });

  test("gives whoever ran the work the same as everybody else", async () => {
    const { holdfast } = start();
    const first = await holdfast.once<unknown>(job, () => ({ at: new Date(0), none: undefined }));
    const second = await holdfast.once<unknown>(job, () => null);
    expect(first.value).toEqual({ at: "1970-01-01T00:00:00.000Z" });
    expect(second.value).toEqual(first.value);
  });

  test("goes through the caller's serializer", async () => {
    const { holdfast } = start();
    const serializer = {
      contentType: "text/x-bigint",
      encode: (value: bigint) => Buffer.from(value.toString()),
      decode: (bytes: Uint8Array) => BigInt(Buffer.from(bytes).toString()),
    };
    await holdfast.once({ ...job, serializer }, () => 2n ** 70n);
    expect((await holdfast.once({ ...job, serializer }, () => 0n)).value).toBe(2n ** 70n);
    const error = await thrown(holdfast.once(job, () => 0));
    expect(error).toBeInstanceOf(ResultUnavailableError);
    expect(error).toMatchObject({ why: "unreadable", replayed: true });
  });
});

describe("a result that cannot be stored", () => {
  test.each([
    ["over 1 MiB", "x".repeat(1024 * 1024)],
    ["not JSON", 1n],
    ["a function", () => 1],
  ])("%s ends the record all the same, and is handed to the caller in the error", async (_, value) => {
    const { holdfast, state, server } = start();
    const own = await thrown(holdfast.once<unknown>(job, () => value));
    // Found before sending: over 1.25 MiB the transport would refuse, without a reason.
    expect(server.calls).toEqual(["claim", "complete"]);
    expect(own).toBeInstanceOf(ResultUnavailableError);
    expect(own).toMatchObject({ why: "omitted", replayed: false, value });
    expect(await state()).toBe("completed");
    const replay = await thrown(holdfast.once<unknown>(job, () => "again"));
    expect(replay).toMatchObject({ why: "omitted", replayed: true, value: undefined });
  });

  test("exactly 1 MiB of bytes is stored", async () => {
    const { holdfast } = start();
    const { value } = await holdfast.once(job, () => new Uint8Array(1024 * 1024).fill(7));
    expect(value).toHaveLength(1024 * 1024);
  });
});
