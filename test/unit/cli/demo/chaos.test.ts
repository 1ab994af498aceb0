import { expect, test } from "vitest";
import { createTrigger, planChaos } from "../../../../src/cli/demo/chaos.ts";
import type { LeaseExpiry } from "../../../../src/cli/demo/lease-expiry.ts";
import { createRandom } from "../../../../src/cli/demo/random.ts";

test("every seed kills at least five workers and a server, on both sides of the charge, and nobody at the very end", () => {
  for (let seed = 0; seed < 50; seed++) {
    const plan = planChaos(createRandom(String(seed)), 1_000, 5_000);
    const stagesUnder = (expiry: LeaseExpiry) =>
      new Set(plan.aimed.filter((shot) => shot.onLeaseExpiry === expiry).map((shot) => shot.stage));
    expect(plan.aimed.length + plan.workers.length).toBeGreaterThanOrEqual(5);
    expect(plan.servers.length).toBeGreaterThanOrEqual(1);
    expect(stagesUnder("hold")).toEqual(new Set(["claimed", "charged"]));
    expect(stagesUnder("reacquire")).toEqual(new Set(["claimed"]));
    for (const { event } of plan.aimed) expect(event).toBeLessThan(800);
    for (const moment of [...plan.workers, ...plan.servers]) expect(moment).toBeLessThan(4_000);
  }
});

test("the same seed makes the same plan", () => {
  const plan = (seed: string) => planChaos(createRandom(seed), 1_000, 5_000);
  expect(plan("a")).toEqual(plan("a"));
  expect(plan("a")).not.toEqual(plan("b"));
});

test("a trigger goes off once for each count, however late it is asked", () => {
  const trigger = createTrigger([2, 2, 5]);
  const firesAt = (done: number) => {
    const isDue = trigger.isDue(done);
    if (isDue) trigger.goOff();
    return isDue;
  };
  expect([1, 2, 3, 4, 9, 9].map(firesAt)).toEqual([false, true, true, false, true, false]);
});
