import { expect, test } from "vitest";
import { LEASE_MS, openWorld, REACQUIRED } from "./event-world.ts";

const [REACQUIRED_ID = ""] = REACQUIRED;

test("the first delivery of an event charges, and the next one is answered with its result", async () => {
  const { deliver, ledger, clock } = openWorld();
  expect(await clock.until(deliver("evt_1").outcome)).toBe("charged");
  expect(await clock.until(deliver("evt_1").outcome)).toBe("replayed");
  expect(ledger.charges).toEqual([
    { eventId: "evt_1", chargeId: expect.any(String), fence: expect.any(BigInt), worker: "worker-1" },
  ]);
});

test("two workers that get the same event at the same moment charge once between them", async () => {
  const { deliver, ledger, clock } = openWorld();
  const both = Promise.all([deliver("evt_1").outcome, deliver("evt_1").outcome]);
  expect((await clock.until(both)).toSorted()).toEqual(["charged", "replayed"]);
  expect(ledger.charges).toHaveLength(1);
});

test("the same payload in another order is the same payload, and an altered one is refused", async () => {
  const { deliver, ledger, clock } = openWorld();
  await clock.until(deliver("evt_1", { amount: 1, currency: "eur" }).outcome);
  expect(await clock.until(deliver("evt_1", { currency: "eur", amount: 1 }).outcome)).toBe("replayed");
  expect(await clock.until(deliver("evt_1", { amount: 10, currency: "eur" }).outcome)).toBe("mismatch");
  expect(ledger.charges).toHaveLength(1);
});

test.each([
  ["claimed", 0],
  ["charged", 1],
] as const)(
  "a worker that is to stop at %s says so there, with %i charges made, and goes no further",
  async (stage, charges) => {
    const { deliver, ledger, reports, clock } = openWorld();
    deliver("evt_1", {}, stage);
    await clock.advance(1);
    expect(reports).toEqual([{ kind: "stopped", line: 1, stage }]);
    await clock.advance(LEASE_MS);
    expect(ledger.charges).toHaveLength(charges);
  },
);

test("a charge that was not answered leaves the outcome unknown, and nobody charges again by himself", async () => {
  const { deliver, ledger, clock } = openWorld();
  ledger.failure = new Error("connection lost");
  expect(await clock.until(deliver("evt_1").outcome)).toBe("not-handled");
  ledger.failure = null;
  expect(await clock.until(deliver("evt_1").outcome)).toBe("unknown");
  expect(ledger.charges).toEqual([]);
});

test("a worker whose lease is over before it charges does not charge, and leaves the event to the next", async () => {
  const { deliver, server, ledger, reports, clock } = openWorld();
  // The answer to the claim is on its way for longer than the lease lasts.
  server.meddle = async ({ method, earlier }, pass) => {
    const answer = await pass();
    if (method === "claim" && earlier === 0) await clock.sleep(LEASE_MS + 1, new AbortController().signal);
    return answer;
  };
  expect(await clock.until(deliver("evt_1").outcome)).toBe("not-handled");
  expect(ledger.charges).toEqual([]);
  expect(await clock.until(deliver("evt_1").outcome)).toBe("charged");
  expect(reports).toEqual([{ kind: "takeover" }]);
});

test("an event that may be taken over is charged once, and its copies are answered with that", async () => {
  const { deliver, ledger, clock } = openWorld();
  expect(await clock.until(deliver(REACQUIRED_ID).outcome)).toBe("charged");
  expect(await clock.until(deliver(REACQUIRED_ID).outcome)).toBe("replayed");
  expect(ledger.charges).toHaveLength(1);
});

test.each([
  ["claimed", 0],
  ["charged", 1],
] as const)(
  "whoever takes over from a worker that died at %s finds %i charges, and leaves one",
  async (stage, charges) => {
    const { deliver, server, ledger, reports, clock } = openWorld();
    server.meddle = ({ method }, pass) => (method === "heartbeat" ? new Promise<never>(() => {}) : pass());
    deliver(REACQUIRED_ID, {}, stage);
    await clock.advance(1);
    expect(ledger.charges).toHaveLength(charges);
    expect(await clock.until(deliver(REACQUIRED_ID).outcome)).toBe("charged");
    expect(reports).toContainEqual({ kind: "takeover" });
    expect(ledger.charges).toHaveLength(1);
    expect(await clock.until(deliver(REACQUIRED_ID).outcome)).toBe("replayed");
  },
);

test("a charge that was not answered where fences are compared is looked up by the next attempt", async () => {
  const { deliver, ledger, reports, clock } = openWorld();
  ledger.failure = new Error("connection lost");
  expect(await clock.until(deliver(REACQUIRED_ID).outcome)).toBe("not-handled");
  ledger.charges.push({ eventId: REACQUIRED_ID, chargeId: "came through", fence: 1n, worker: "worker-1" });
  expect(await clock.until(deliver(REACQUIRED_ID).outcome)).toBe("charged");
  expect(ledger.charges).toHaveLength(1);
  expect(reports).toEqual([{ kind: "takeover" }]);
});

test("a delivery that is to be announced is announced before it is claimed", async () => {
  const { deliver, server, reports, clock } = openWorld();
  const saidBefore: unknown[] = [];
  server.meddle = ({ method }, pass) => {
    if (method === "claim") saidBefore.push(...reports);
    return pass();
  };
  expect(await clock.until(deliver(REACQUIRED_ID, {}, null, true).outcome)).toBe("charged");
  expect(saidBefore).toEqual([{ kind: "claiming", line: 1 }]);
});
