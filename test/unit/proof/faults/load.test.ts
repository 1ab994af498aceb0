import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createKeys } from "../../../../proof/faults/load/keys.ts";
import { createTally } from "../../../../proof/faults/load/tally.ts";
import { timed } from "../../../../proof/faults/load/timed.ts";
import { createRandom } from "../../../../proof/history/load/random.ts";

const ALWAYS = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };

test("calls are counted by how they ended, and those that their caller left not at all", () => {
  const tally = createTally();
  const endings = ["succeeded", "refused", "failed", "internal", "left"] as const;
  for (const ending of endings) tally.begin("s1", false)(ending);
  tally.begin("s1", false);
  expect(tally).toMatchObject({ calls: 4, open: 1, internal: 1, failed: 2 });
  expect(tally.latencies(ALWAYS)).toMatchObject({ calls: 4, answered: 2, failed: 2 });
});

test("what waits by its own wish says nothing about how fast the service is, unless it fails", () => {
  const tally = createTally();
  for (const ending of ["succeeded", "failed"] as const) tally.begin("s1", true)(ending);
  expect(tally.latencies(ALWAYS)).toMatchObject({ calls: 1, answered: 0, failed: 1 });
});

test("latencies are those of a server, and of a time", () => {
  const tally = createTally();
  tally.begin("s1", false)("succeeded");
  tally.begin("s2", false)("failed");
  const nowMs = performance.now();
  expect(tally.latencies({ ...ALWAYS, server: "s1" })).toMatchObject({ calls: 1, failed: 0 });
  expect(tally.latencies({ ...ALWAYS, server: "s2" })).toMatchObject({ calls: 1, failed: 1 });
  expect(tally.latencies({ fromMs: nowMs + 1, toMs: nowMs + 2 })).toMatchObject({ calls: 0, p50Ms: Number.NaN });
});

test("a success counts for who waits for one only if its call was made since, to that server", async () => {
  const tally = createTally();
  const early = tally.begin("s1", false);
  const sinceMs = performance.now();
  const first = tally.firstSuccessAfter(sinceMs, "s1");
  early("succeeded");
  tally.begin("s2", false)("succeeded");
  tally.begin("s1", false)("failed");
  const overMs = performance.now();
  tally.begin("s1", false)("succeeded");
  expect(await first).toBeGreaterThanOrEqual(overMs);
});

const throwing = (error: unknown) =>
  timed({ unary: () => Promise.reject(error) } as unknown as Transport, tallyOf(), "s1");
let tally = createTally();
const tallyOf = () => {
  tally = createTally();
  return tally;
};

test.each([
  ["an answer INTERNAL", new ConnectError("", Code.Internal), { internal: 1, failed: 1 }],
  ["no answer", new ConnectError("", Code.Unavailable), { internal: 0, failed: 1 }],
  ["an error that is not of the contract", new Error("something else"), { internal: 0, failed: 1 }],
])("%s is a failure", async (_, error, counted) => {
  const call = throwing(error).unary({} as never, undefined, undefined, undefined, {} as never);
  await expect(call).rejects.toBe(error);
  expect(tally).toMatchObject({ calls: 1, open: 0, ...counted });
});

test("keys are some at a time, remembered by generation and tenant", () => {
  const keys = createKeys({ keys: 3, generationMs: 60_000 });
  const random = createRandom(1);
  const picked = new Set(Array.from({ length: 100 }, () => keys.pick(random, "a")));
  expect([...picked].toSorted()).toEqual(["0-0", "0-1", "0-2"]);
  expect(keys.now()).toEqual(["0-0", "0-1", "0-2"]);
  expect(new Set(keys.namesOf(0, "a"))).toEqual(picked);
  expect(new Set(keys.allOf("a"))).toEqual(picked);
  expect([...keys.allOf("b")]).toEqual([]);
});
