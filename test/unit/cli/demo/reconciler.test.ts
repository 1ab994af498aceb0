import { expect, test } from "vitest";
import type { ClaimResponse, HeartbeatRequest } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Stage } from "../../../../src/cli/demo/messages.ts";
import { LEASE_MS, openWorld } from "./event-world.ts";

/** A worker that came to the stage and is heard of no more: its heartbeats are lost for good. */
async function die({ server, clock, deliver }: ReturnType<typeof openWorld>, id: string, stage: Stage) {
  let fence: bigint | undefined;
  server.meddle = async ({ method, request }, pass) => {
    const isDead =
      method === "heartbeat" && fence !== undefined && (request as HeartbeatRequest).handle?.fence === fence;
    if (isDead) return new Promise<never>(() => {});
    const answer = await pass();
    const { detail } = answer as ClaimResponse;
    if (method === "claim" && detail.case === "acquired") fence ??= detail.value.lease?.fence;
    return answer;
  };
  deliver(id, {}, stage);
  await clock.advance(LEASE_MS + 1);
}

test("a charge that is found in the ledger becomes the event's result", async () => {
  const world = openWorld();
  await die(world, "evt_1", "charged");
  expect(await world.clock.until(world.deliver("evt_1").outcome)).toBe("unknown");
  expect(await world.clock.until(world.reconcile("evt_1"))).toBe(true);
  expect(await world.clock.until(world.deliver("evt_1").outcome)).toBe("replayed");
  expect(world.ledger.charges).toHaveLength(1);
});

test("without a charge the event is free again, and the next delivery charges", async () => {
  const world = openWorld();
  await die(world, "evt_1", "claimed");
  expect(await world.clock.until(world.deliver("evt_1").outcome)).toBe("unknown");
  expect(await world.clock.until(world.reconcile("evt_1"))).toBe(true);
  expect(await world.clock.until(world.deliver("evt_1").outcome)).toBe("charged");
  expect(world.ledger.charges).toHaveLength(1);
  expect(world.reports).toContainEqual({ kind: "takeover" });
});

test("the ledger is not read before a lease has passed since the outcome became unknown", async () => {
  const world = openWorld();
  await die(world, "evt_1", "claimed");
  const settled = world.reconcile("evt_1");
  await world.clock.advance(LEASE_MS - 1);
  // What the dead worker had sent comes true at the last moment.
  world.ledger.charges.push({ eventId: "evt_1", chargeId: "late", fence: 1n, worker: "worker-1" });
  expect(await world.clock.until(settled)).toBe(true);
  expect(await world.clock.until(world.deliver("evt_1").outcome)).toBe("replayed");
});

test("an event that was settled meanwhile is left alone", async () => {
  const world = openWorld();
  await world.clock.until(world.deliver("evt_1").outcome);
  expect(await world.clock.until(world.reconcile("evt_1"))).toBe(false);
  expect(await world.clock.until(world.reconcile("evt_unheard_of"))).toBe(false);
});

test("a worker that was slow and not dead ends its event itself, and the reconciler gives way", async () => {
  const world = openWorld();
  const { server, clock } = world;
  const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
  // Asleep before its completion; heartbeats sleep too.
  server.meddle = async ({ method }, pass) => {
    if (method === "heartbeat" || method === "complete") await awake;
    return pass();
  };
  const { outcome } = world.deliver("evt_1");
  await clock.advance(LEASE_MS + 1);
  server.meddle = (_call, pass) => pass();
  const settled = world.reconcile("evt_1");
  await clock.advance(1);
  wake();
  expect(await clock.until(outcome)).toBe("charged");
  expect(await clock.until(settled)).toBe(false);
  expect(world.ledger.charges).toHaveLength(1);
});
