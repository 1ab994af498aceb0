import { expect, test } from "vitest";
import { leaseExpiryOf } from "../../../../src/cli/demo/lease-expiry.ts";

test("a share of the events may be taken over, and most are held", () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `evt_${index}`);
  const reacquired = ids.filter((id) => leaseExpiryOf(id) === "reacquire");
  expect(reacquired.length).toBeGreaterThan(150);
  expect(reacquired.length).toBeLessThan(350);
});
