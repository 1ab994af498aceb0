import { expect, test } from "vitest";
import { createSameness } from "../../../../proof/model/explore/symmetry.ts";
import { type Call, createWorld, START, type World } from "../../../../proof/model/explore/world.ts";
import { SCENARIOS } from "../../../../proof/model/scenarios.ts";

const scenario = SCENARIOS.small[0]?.scenario;
if (scenario === undefined) throw new Error("bug: there is no scenario");
const sameness = createSameness(scenario);
const first = createWorld(scenario);

/** Clients that read for the claims of keys, at servers; all numbered from 0. */
function reading(...claims: readonly (readonly [client: number, key: number, server: number])[]): World {
  const calls = claims.map(
    ([by, , at]): Call => ({
      ...{ by, at, turn: 1, nonce: 1, what: "claim", step: "read", seen: null, seenAt: START, out: "" },
      ...{ promoted: false, granted: null },
    }),
  );
  const clients = first.clients.map((client, index) => {
    const claim = claims.find(([by]) => by === index);
    return claim === undefined ? client : { ...client, doing: "claiming" as const, key: claim[1] };
  });
  return { ...first, calls, clients };
}

test("worlds are the same that differ in who is who, and in the order of calls", () => {
  expect(sameness(reading([0, 0, 0], [1, 0, 1]))).toBe(sameness(reading([2, 1, 0], [0, 1, 1])));
  expect(sameness(reading([0, 0, 0], [1, 1, 0]))).toBe(sameness(reading([1, 1, 1], [2, 0, 1])));
});

test("worlds differ in who shares a key or a server", () => {
  const texts = [
    reading([0, 0, 0], [1, 0, 0]),
    reading([0, 0, 0], [1, 0, 1]),
    reading([0, 0, 0], [1, 1, 0]),
    reading([0, 0, 0], [1, 1, 1]),
    reading([0, 0, 0]),
    first,
  ].map(sameness);
  expect(new Set(texts).size).toBe(texts.length);
});

test("the hour itself makes no difference, and what is left of the faults does", () => {
  const world = reading([0, 0, 0]);
  expect(sameness({ ...world, now: world.now + 1 })).toBe(sameness(world));
  expect(sameness({ ...world, left: { ...world.left, ticks: 0 } })).not.toBe(sameness(world));
});
