import { expect, test } from "vitest";
import type { Delivery } from "../../../../src/cli/demo/delivery-log.ts";
import { createFeeder } from "../../../../src/cli/demo/feeder.ts";

const deliveries = (...ids: string[]): readonly Delivery[] =>
  ids.map((id, index) => ({ line: index + 1, id, type: "t", payload: null }));

test("deliveries go out in the order of the log, each once", () => {
  const feeder = createFeeder(deliveries("a", "b", "a"));
  expect([feeder.next(0), feeder.next(1), feeder.next(0)].map((delivery) => delivery?.line)).toEqual([1, 2, 3]);
  expect(feeder.next(0)).toBeNull();
  expect([feeder.load(0), feeder.load(1), feeder.load(2)]).toEqual([2, 1, 0]);
});

test("what comes next can be looked at before it goes out", () => {
  const feeder = createFeeder(deliveries("a", "b"));
  expect(feeder.upcoming()?.line).toBe(1);
  feeder.next(0);
  expect(feeder.upcoming()?.line).toBe(2);
  feeder.giveBack(0, 1);
  expect(feeder.upcoming()?.line).toBe(1);
  feeder.next(0);
  feeder.next(0);
  expect(feeder.upcoming()).toBeNull();
});

test("it is done when every delivery is acknowledged, and not before", () => {
  const feeder = createFeeder(deliveries("a", "b"));
  feeder.next(0);
  feeder.next(1);
  feeder.acknowledge(1, 2);
  expect([feeder.done, feeder.isDone]).toEqual([1, false]);
  feeder.acknowledge(0, 1);
  expect([feeder.done, feeder.isDone]).toEqual([2, true]);
});

test("what a dead worker had is delivered again, to whoever asks", () => {
  const feeder = createFeeder(deliveries("a", "b", "c"));
  feeder.next(0);
  feeder.next(1);
  feeder.next(0);
  feeder.acknowledge(0, 1);
  expect(feeder.giveBackAll(0).map((delivery) => delivery.line)).toEqual([3]);
  expect(feeder.load(0)).toBe(0);
  expect(feeder.next(1)?.line).toBe(3);
  expect(feeder.next(1)).toBeNull();
});

test("what a worker did not handle is delivered again", () => {
  const feeder = createFeeder(deliveries("a", "b"));
  feeder.next(0);
  feeder.giveBack(0, 1);
  expect(feeder.next(1)?.line).toBe(1);
});

test("a parked event is not delivered before it is unparked, and then all its copies are", () => {
  const feeder = createFeeder(deliveries("a", "b", "a"));
  for (let n = 0; n < 3; n++) feeder.next(n);
  feeder.park(0, 1);
  feeder.park(2, 3);
  expect(feeder.next(0)).toBeNull();
  feeder.unpark("b");
  expect(feeder.next(0)).toBeNull();
  feeder.unpark("a");
  expect([feeder.next(0)?.line, feeder.next(0)?.line, feeder.next(0)]).toEqual([1, 3, null]);
});

test("an answer from a worker that does not have the delivery is a bug, and said so", () => {
  const feeder = createFeeder(deliveries("a"));
  feeder.next(0);
  expect(() => feeder.acknowledge(1, 1)).toThrow("bug: worker 1 does not have the delivery of line 1");
});
