import { expect, test } from "vitest";
import { audit, isClean } from "../../../../src/cli/demo/audit.ts";

const charge = (eventId: string, chargeId: string) => ({ eventId, chargeId, fence: 1n, worker: "worker-1" });
const events = new Set(["a", "b"]);

test("one charge for each event, named by its record, is a clean run", () => {
  const found = audit(
    events,
    [charge("a", "1"), charge("b", "2")],
    new Map([
      ["a", "1"],
      ["b", "2"],
    ]),
  );
  expect(found).toEqual({ executions: 2, duplicates: [], lost: [] });
  expect(isClean(events, found)).toBe(true);
});

test("two charges for one event are a duplicate", () => {
  const charges = [charge("a", "1"), charge("b", "2"), charge("a", "3")];
  const found = audit(
    events,
    charges,
    new Map([
      ["a", "3"],
      ["b", "2"],
    ]),
  );
  expect(found).toEqual({ executions: 3, duplicates: ["a"], lost: [] });
  expect(isClean(events, found)).toBe(false);
});

test.each([
  ["no charge", [charge("b", "2")], { a: "1", b: "2" }],
  ["no completed record", [charge("a", "1"), charge("b", "2")], { b: "2" }],
  ["a record that names a charge which the ledger lacks", [charge("a", "1"), charge("b", "2")], { a: "9", b: "2" }],
])("an event with %s is lost", (_name, charges, results) => {
  const found = audit(events, charges, new Map(Object.entries(results)));
  expect(found.lost).toEqual(["a"]);
  expect(isClean(events, found)).toBe(false);
});

test("a charge that nobody asked for is not clean, although nothing is twice and nothing lost", () => {
  const charges = [charge("a", "1"), charge("b", "2"), charge("c", "3")];
  const found = audit(
    events,
    charges,
    new Map([
      ["a", "1"],
      ["b", "2"],
    ]),
  );
  expect([found.duplicates, found.lost, isClean(events, found)]).toEqual([[], [], false]);
});
