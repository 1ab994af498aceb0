import { expect, test } from "vitest";
import { fromPayload, toPayloads, wakeId } from "../../../src/waiting/wake-id.ts";

const key = (tenant: string, scope: string, name: string) => ({ tenant, scope, key: name });

test("an id is 16 characters of base64url, always the same for a key", () => {
  expect(wakeId(key("default", "orders", "order-1"))).toMatch(/^[\w-]{16}$/);
  expect(wakeId(key("default", "orders", "order-1"))).toBe(wakeId(key("default", "orders", "order-1")));
});

test("an id stays what it was: servers of other versions listen on the same channel", () => {
  expect(wakeId(key("default", "orders", "order-1"))).toBe("GlekHVafRSSDsqG3");
});

test.each([
  [key("a", "b", "c"), key("a", "bc", "")],
  [key("a", "b:c", "d"), key("a:b", "c", "d")],
  [key("a", "1:b", "c"), key("a1:", "b", "c")],
  [key("a", "b", "c"), key("a", "B", "c")],
  [key("a", "b", "\u00e9"), key("a", "b", "e\u0301")],
])("no two keys are the same input: %j and %j", (one, other) => {
  expect(wakeId(one)).not.toBe(wakeId(other));
});

test("payloads hold all ids, each below what Postgres takes in one notification", () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => wakeId(key("default", "many", `${i}`)));
  const payloads = toPayloads(ids);
  expect(payloads).toHaveLength(Math.ceil(1_000 / 493));
  for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
  expect(payloads.flatMap(fromPayload)).toEqual(ids);
});

test("no ids are no payload", () => {
  expect(toPayloads([])).toEqual([]);
});

test.each(["", "short", "x".repeat(15), "x".repeat(17), "\u{1f600}"])(
  "a payload that is not ours holds no ids: %j",
  (payload) => {
    expect(fromPayload(payload)).toEqual([]);
  },
);

test("a payload of the right length that is not ours is ids of nobody", () => {
  expect(fromPayload("not a payload at all, but of 32.")).toHaveLength(2);
});
