import { expect, test } from "vitest";
import { retryable, TimeoutError } from "../../../src/client/client.ts";
import { job, start, thrown } from "./one-job.ts";

test("with waitMs 0, a caller is told at once that somebody else is at it, and for how long at most", async () => {
  const { server, clock, holdfast } = start();
  const gate = Promise.withResolvers<string>();
  const first = server.client().once({ ...job, leaseMs: 30_000 }, () => gate.promise);
  await clock.advance(0);
  const error = await clock.until(thrown(holdfast.once({ ...job, waitMs: 0 }, () => "never")));
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ reason: "TIMEOUT", lastOutcome: "in-progress" });
  expect((error as TimeoutError).retryAfterMs).toBeGreaterThan(0);
  expect((error as TimeoutError).retryAfterMs).toBeLessThanOrEqual(30_000);
  gate.resolve("done");
  expect((await clock.until(first)).value).toBe("done");
});

test("within waitMs, a caller gets what somebody else has done", async () => {
  const { server, clock, holdfast } = start();
  const gate = Promise.withResolvers<string>();
  const first = server.client().once(job, () => gate.promise);
  await clock.advance(0);
  const second = holdfast.once({ ...job, waitMs: 5_000, timeoutMs: 60_000 }, () => "never");
  await clock.advance(1_000);
  gate.resolve("done");
  expect(await clock.until(second)).toMatchObject({ value: "done", replayed: true });
  await first;
});

test("after waitMs, a caller stops to wait although its timeout is longer", async () => {
  const { server, clock, holdfast } = start();
  const gate = Promise.withResolvers<string>();
  const first = server.client().once(job, () => gate.promise);
  await clock.advance(0);
  const began = clock.monotonicMs();
  const error = await clock.until(thrown(holdfast.once({ ...job, waitMs: 5_000, timeoutMs: 60_000 }, () => "never")));
  expect(error).toMatchObject({ lastOutcome: "in-progress", message: expect.stringContaining("5000 ms") });
  expect(clock.monotonicMs() - began).toBeLessThanOrEqual(5_100);
  gate.resolve("done");
  await clock.until(first);
});

test("with waitMs 0, a retry that is scheduled for later is told at once", async () => {
  const { clock, holdfast } = start();
  const failed = thrown(
    holdfast.once(job, () => {
      throw retryable("later", { delayMs: 9_000 });
    }),
  );
  await clock.until(failed);
  const error = await clock.until(thrown(holdfast.once({ ...job, waitMs: 0 }, () => "never")));
  expect(error).toMatchObject({ lastOutcome: "retry-scheduled" });
  expect((error as TimeoutError).retryAfterMs).toBeGreaterThanOrEqual(9_000);
});

test.each([-1, Number.NaN])("waitMs %s is refused", async (waitMs) => {
  const { holdfast } = start();
  const error = await thrown(holdfast.once({ ...job, waitMs }, () => "never"));
  expect(error).toMatchObject({ reason: "FIELD_INVALID", message: "waitMs must be milliseconds from 0, or Infinity" });
});
