import { expect, test } from "vitest";
import { type BoundedMap, createBoundedMap } from "../../../../src/tenants/validators/bounded-map.ts";

const namesIn = (map: BoundedMap<number>) => ["a", "b", "c", "d"].filter((name) => map.get(name) !== undefined);

test("what was set or found longest ago makes room", () => {
  const map = createBoundedMap<number>({ entriesMax: 3 });
  for (const name of ["a", "b", "c"]) map.set(name, 1);
  expect(map.get("a")).toBe(1);
  map.set("d", 1);
  expect(namesIn(map)).toEqual(["a", "c", "d"]);
  expect(map.size).toBe(3);
});

test("weight makes room too, and is given back", () => {
  const map = createBoundedMap<number>({ entriesMax: 10, weightMax: 10 });
  map.set("a", 1, 4);
  map.set("b", 1, 4);
  map.set("b", 2, 6);
  expect(namesIn(map)).toEqual(["a", "b"]);
  map.set("c", 1, 1);
  expect(namesIn(map)).toEqual(["b", "c"]);
  map.delete("b");
  map.delete("b");
  map.set("d", 1, 9);
  expect(namesIn(map)).toEqual(["c", "d"]);
});

test("what is too heavy by itself is not kept, nor what it stood for before", () => {
  const map = createBoundedMap<number>({ entriesMax: 10, weightMax: 10 });
  map.set("a", 1, 1);
  map.set("a", 2, 11);
  expect(map.get("a")).toBeUndefined();
  expect(map.size).toBe(0);
});
