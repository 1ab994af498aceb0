import { expect, test } from "vitest";
import { keyColumns, matchEveryRow, matchRows } from "../../../../src/store/postgres/batch-rows.ts";
import { textArray } from "../../../../src/store/postgres/binary-array.ts";

const call = (tenant: string) => ({ key: { tenant, scope: "orders", key: "order-1" } });
const row = (i: number, tenant: string) => ({ i: BigInt(i), tenant, scope: "orders", key: "order-1" });

test("rows find their calls whatever their order, and calls without a row get none", () => {
  const calls = [call("a"), call("b"), call("c")];
  const matched = matchRows(calls, [row(3, "c"), row(1, "a")]);
  expect(matched.map((match) => [match.call.key.tenant, match.row?.tenant ?? null])).toEqual([
    ["a", "a"],
    ["b", null],
    ["c", "c"],
  ]);
});

test("a row that answers another tenant's call is a bug, never an answer", () => {
  expect(() => matchRows([call("a"), call("b")], [row(1, "b")])).toThrow("bug");
});

test("a row without a call, and two rows for one, are bugs", () => {
  expect(() => matchRows([call("a")], [row(2, "a")])).toThrow("bug");
  expect(() => matchRows([call("a")], [row(0, "a")])).toThrow("bug");
  expect(() => matchRows([call("a")], [row(1, "a"), row(1, "a")])).toThrow("bug");
});

test("a statement that answers every call must do so", () => {
  expect(() => matchEveryRow([call("a"), call("b")], [row(1, "a")])).toThrow("bug");
  expect(matchEveryRow([call("a")], [row(1, "a")])).toEqual([{ call: call("a"), row: row(1, "a") }]);
});

test("the keys of a batch are three columns in the order of the calls", () => {
  expect(keyColumns([call("a"), call("b")])).toEqual(
    [
      ["a", "b"],
      ["orders", "orders"],
      ["order-1", "order-1"],
    ].map((column) => textArray(column, (text) => text)),
  );
});
