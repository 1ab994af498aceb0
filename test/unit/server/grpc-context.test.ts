import { EventEmitter } from "node:events";
import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { createConnections } from "../../../src/server/grpc-connections.ts";
import { type GrpcCall, GrpcContext } from "../../../src/server/grpc-context.ts";
import { DEADLINE_HEADER } from "../../../src/server/grpc-door.ts";
import { Delivered } from "../../../src/server/grpc-handlers.ts";
import { createManualClock } from "../store/manual-clock.ts";

class TestCall extends EventEmitter implements GrpcCall {
  readonly metadata = new Metadata();
  cancelled = false;

  cancel(): void {
    this.cancelled = true;
    this.emit("cancelled");
  }
}

function createScene(deadlineMs?: number) {
  const clock = createManualClock();
  const call = new TestCall();
  if (deadlineMs !== undefined) call.metadata.set(DEADLINE_HEADER, String(clock.monotonicMs() + deadlineMs));
  const connections = createConnections({ clock, random: () => 0, maxAgeMs: Number.POSITIVE_INFINITY, reset() {} });
  const context = new GrpcContext(call, { clock, connections });
  const told: unknown[] = [];
  return { clock, call, context, told, who: { callerGone: (why: unknown) => told.push(why) } };
}

describe("who is left behind", () => {
  test.each([
    ["the caller has gone", 0, "CANCELLED"],
    ["the deadline has passed", 10, "DEADLINE_EXCEEDED"],
  ])("is told that %s, and so is the signal", async (_name, afterMs, code) => {
    const { clock, call, context, told, who } = createScene(10);
    context.whenGone(who);
    const { signal } = context;
    await clock.advance(afterMs);
    expect([told, signal.aborted]).toEqual([[], false]);
    call.cancel();
    expect(told).toEqual([expect.objectContaining({ code })]);
    expect(signal.reason).toMatchObject({ code });
  });

  test("is told at once of one who has gone before", () => {
    const { call, context, told, who } = createScene();
    call.cancel();
    context.whenGone(who);
    expect(told).toEqual([expect.objectContaining({ code: "CANCELLED" })]);
    expect(context.signal.aborted).toBe(true);
  });

  test("is told nothing once the call is answered", () => {
    const { call, context, told, who } = createScene();
    context.whenGone(who);
    context.end();
    call.cancel();
    expect(told).toEqual([]);
  });
});

test("a request that was delivered can be taken once, and is not kept", () => {
  const request = { $typeName: "test.Request" };
  const delivered = new Delivered(request);
  expect(delivered.take()).toBe(request);
  expect(() => delivered.take()).toThrow("bug: a request is taken twice");
});
