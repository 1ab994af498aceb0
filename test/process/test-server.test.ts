import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareDriver } from "../../conformance/drivers.ts";
import { SCENARIOS } from "../../conformance/scenarios.ts";
import { createTroupe, type Troupe } from "../../conformance/stage.ts";
import { createTestServer, type TestServer } from "../../src/testing/test-server.ts";

/** Most of a scenario is waiting: for a lease to run out, or another process to answer. */
const SCENARIO_MS = 120_000;

/** They need a second server on the same records, or an operator, and a test server has neither. */
const LEFT_OUT = new Set([
  "goes to another server when its own is stopped, whether it works, waits or watches",
  "outlives that the only server is killed and comes back while the work runs",
  "tells the work that its lease is lost when an operator has released the record",
]);

let server: TestServer;
let troupe: Troupe;

beforeAll(async () => {
  server = createTestServer({ clock: "real" });
  const { address } = await server.listen();
  const { command } = await prepareDriver("typescript");
  if (command === undefined) throw new Error("bug: a client in TypeScript needs no tools");
  const startServer = () => Promise.reject(new Error("there is one test server, and no second one"));
  troupe = createTroupe({ command, other: command, address, startServer });
});

afterAll(async () => {
  await troupe?.[Symbol.asyncDispose]();
  await server?.close();
});

describe.concurrent("clients of other processes find a test server to be as any other:", () => {
  for (const { name, play } of SCENARIOS.filter((scenario) => !LEFT_OUT.has(scenario.name))) {
    test(
      name,
      async () => {
        await using stage = troupe.stage();
        await play(stage);
      },
      SCENARIO_MS,
    );
  }
});

test("what is left out is there", () => {
  const names = new Set(SCENARIOS.map(({ name }) => name));
  expect([...LEFT_OUT].filter((name) => !names.has(name))).toEqual([]);
});
