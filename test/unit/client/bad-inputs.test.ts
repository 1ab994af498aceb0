import { afterEach, describe, expect, test, vi } from "vitest";
import { InvalidInputError, NotSerializableError, ResultUnavailableError } from "../../../src/client/client.ts";
import { job, start, thrown } from "./one-job.ts";

const cycle: Record<string, unknown> = { list: [] };
cycle["list"] = [{ self: cycle }];
const deep = (depth: number, innermost: unknown): unknown => {
  let value = innermost;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
};

describe("an input without canonical JSON is refused before any call, by an error that says where it is", () => {
  test.each<[string, unknown, readonly (string | number)[]]>([
    ["nothing", undefined, []],
    ["NaN", Number.NaN, []],
    ["Infinity", { items: [1, { price: Number.POSITIVE_INFINITY }] }, ["items", 1, "price"]],
    ["a BigInt", { id: 1n }, ["id"]],
    ["a cycle", cycle, ["list", 0, "self"]],
    ["a lone surrogate", { name: "a\ud800" }, ["name"]],
    ["a lone surrogate in a name", { a: { "\udc00": 1 } }, ["a", "\udc00"]],
    ["an invalid Date", [new Date(Number.NaN)], [0]],
    ["a function", { call: () => 1 }, ["call"]],
    ["a symbol", [Symbol("s")], [0]],
    ["a Map", { map: new Map() }, ["map"]],
    ["bytes within something", { photo: new Uint8Array(2) }, ["photo"]],
    ["a toJSON that returns a BigInt", { money: { toJSON: () => 3n } }, ["money"]],
    ["the innermost of a thousand lists", deep(1_000, Number.NaN), Array(1_000).fill(0)],
  ])("%s", async (_, input, path) => {
    const { holdfast, server } = start();
    for (const call of [
      () => holdfast.once({ ...job, input }, () => 1),
      () => holdfast.once({ ...job, input, whenUnavailable: "fail-open" }, () => 1),
    ]) {
      const error = await thrown(call());
      expect(error).toBeInstanceOf(InvalidInputError);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ reason: "INVALID_INPUT", path, remedy: expect.stringContaining("plain values") });
    }
    expect(server.calls).toEqual([]);
  });

  test("what is there twice is no cycle, and what has a toJSON is its JSON", async () => {
    const { holdfast } = start();
    const shared = { at: new Date(0) };
    expect((await holdfast.once({ ...job, input: { a: shared, b: [shared, shared] } }, () => 1)).value).toBe(1);
  });

  test("the error names places and never values", async () => {
    const { holdfast } = start();
    const error = (await thrown(holdfast.once({ ...job, input: { card: ["secret", Number.NaN] } }, () => 1))) as Error;
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain("secret");
  });
});

describe("a value that cannot be stored", () => {
  test.each<[string, unknown]>([
    ["a BigInt", { id: 1n }],
    ["a cycle", cycle],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a toJSON that throws", { toJSON: () => JSON.parse("{") }],
    ["an invalid Date in a strict list", { toJSON: () => new Date(Number.NaN).toISOString() }],
  ])("%s: as a result, the work is done and the error has its value", async (_, value) => {
    const { holdfast, state } = start();
    const error = await thrown(holdfast.once<unknown>(job, () => value));
    expect(error).toBeInstanceOf(ResultUnavailableError);
    expect(error).toMatchObject({ why: "omitted", value, replayed: false });
    const { cause, remedy } = error as ResultUnavailableError;
    expect(cause).toBeInstanceOf(NotSerializableError);
    expect(cause).toMatchObject({ reason: "NOT_SERIALIZABLE", remedy: expect.stringContaining("serializer") });
    expect(remedy).toContain("The work was done");
    expect(await state()).toBe("completed");
  });

  test.each<[string, unknown, unknown]>([
    ["NaN", { n: Number.NaN }, { n: null }],
    ["an invalid Date", [new Date(Number.NaN)], [null]],
    ["a lone surrogate", "a\ud800", "a\ud800"],
    ["an undefined property", { a: undefined }, {}],
  ])("%s is what JSON makes of it, for who ran the work and for everybody else", async (_, value, stored) => {
    const { holdfast } = start();
    expect((await holdfast.once(job, () => value)).value).toStrictEqual(stored);
    expect((await holdfast.once(job, () => null as unknown)).value).toStrictEqual(stored);
  });

  test("as a checkpoint is refused, and the attempt goes on", async () => {
    const { holdfast } = start();
    const { value } = await holdfast.once(job, async (attempt) => {
      expect(await thrown(attempt.checkpoint(1n))).toBeInstanceOf(NotSerializableError);
      await attempt.checkpoint({ page: 1 });
      return "done";
    });
    expect(value).toBe("done");
  });
});

describe("a wall clock that jumps", () => {
  const DAY_MS = 86_400_000;
  afterEach(() => vi.restoreAllMocks());

  test.each([
    ["a day ahead", DAY_MS],
    ["a day back", -DAY_MS],
    ["to 1970", -Date.now()],
    ["to nonsense", Number.NaN],
  ])("%s in the middle of the work changes nothing: not the lease, not a wait, not what is kept", async (_, byMs) => {
    const { server, clock } = start();
    const holdfast = server.client({ tenant: "default", cache: { ttlMs: 10_000 } });
    const working = holdfast.once({ ...job, leaseMs: 6_000 }, async (attempt) => {
      const before = attempt.leaseRemainingMs();
      const now = Date.now();
      vi.spyOn(Date, "now").mockImplementation(() => now + byMs);
      expect(attempt.leaseRemainingMs()).toBe(before);
      await clock.sleep(20_000, attempt.signal);
      return attempt.number;
    });
    const waiting = server.client().once(job, () => 9);
    const [own, replay] = await clock.until(Promise.all([working, waiting]));
    expect([own.value, own.attempt, replay.value, replay.replayed]).toEqual([1, 1, 1, true]);
    server.calls.splice(0);
    await clock.advance(9_999);
    expect((await holdfast.once(job, () => 9)).value).toBe(1);
    expect(server.calls).toEqual([]);
  });
});
