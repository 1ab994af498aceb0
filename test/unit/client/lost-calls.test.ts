import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { CompleteFailedError, HoldfastError, ResultConflictError } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { loseAnswers, unavailable } from "./fake-server.ts";
import { job, start } from "./one-job.ts";

describe("an answer that is lost", () => {
  test("of a claim is asked for again with the same claim_id, and the lease reattached", async () => {
    const { server, clock, holdfast, claimIds } = start();
    server.meddle = loseAnswers("claim", 3);
    const done = await clock.until(holdfast.once(job, ({ number }) => number));
    expect(done).toMatchObject({ value: 1, replayed: false, reason: "reattached" });
    expect(claimIds()).toHaveLength(4);
    expect(new Set(claimIds()).size).toBe(1);
  });

  test("of a completion is asked for again with the same content", async () => {
    const { server, clock, holdfast, count } = start();
    server.meddle = loseAnswers("complete", 3);
    const done = await clock.until(holdfast.once(job, () => "stored once"));
    expect(done).toMatchObject({ value: "stored once", replayed: false });
    expect(count("complete")).toBe(4);
  });

  test("of a failure is asked for again, and the work's error thrown", async () => {
    const { server, clock, holdfast, count, record } = start();
    server.meddle = loseAnswers("fail", 3);
    const broken = new Error("broken");
    await expect(clock.until(holdfast.once(job, () => Promise.reject(broken)))).rejects.toBe(broken);
    expect(count("fail")).toBe(4);
    expect((await record())?.state).toBe("available");
  });

  test("for ever has the completion end in CompleteFailedError, which holds the value", async () => {
    const { server, clock, holdfast, record } = start();
    server.meddle = loseAnswers("complete", Number.POSITIVE_INFINITY);
    const before = clock.monotonicMs();
    const done = holdfast.once(job, () => "charged");
    await expect(clock.until(done)).rejects.toMatchObject({ name: "CompleteFailedError", value: "charged" });
    await expect(done).rejects.toBeInstanceOf(CompleteFailedError);
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(60_000);
    expect((await record())?.state).toBe("completed");
    expect(clock.pending()).toBe(0);
  });

  test("because the try hangs is asked for again after the try's time", async () => {
    const { server, clock, holdfast, claimIds } = start();
    server.meddle = async (call, pass) => {
      if (call.method === "claim" && call.earlier === 0) await new Promise(() => {});
      return pass();
    };
    const before = clock.monotonicMs();
    expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ replayed: false });
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(10_000);
    expect(new Set(claimIds()).size).toBe(1);
  });
});

test("a call whose connection was reset, which connect-node calls aborted, is sent again", async () => {
  const { server, clock, holdfast, count } = start();
  const reset = new ConnectError("write ECONNRESET", Code.Aborted);
  server.meddle = (call, pass) => (call.earlier < 2 ? Promise.reject(reset) : pass());
  expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ value: 1, replayed: false });
  expect([count("claim"), count("complete")]).toEqual([3, 3]);
});

describe("a claim that is refused", () => {
  test("with RetryInfo is sent again, and not before the delay it gives", async () => {
    const { server, clock, holdfast, count } = start();
    server.admission = new Fault("OVERLOADED", "busy", { retryAfterMs: 2_000 });
    const done = holdfast.once(job, () => 1);
    await clock.advance(1_999);
    expect(count("claim")).toBe(1);
    server.admission = null;
    expect(await clock.until(done)).toMatchObject({ value: 1 });
    expect(count("claim")).toBe(2);
  });

  test("without RetryInfo is not", async () => {
    const { server, clock, holdfast, count } = start();
    const exhausted = new ConnectError("message larger than max", Code.ResourceExhausted);
    server.meddle = () => Promise.reject(exhausted);
    const error = await clock.until(holdfast.once(job, () => 1).catch((thrown) => thrown));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: Code.ResourceExhausted, reason: "", cause: exhausted });
    expect(count("claim")).toBe(1);
  });

  test("by a bug of the server is sent once more", async () => {
    const { server, clock, holdfast, count } = start();
    server.meddle = () => server.refuse(new Fault("INTERNAL", "a bug"));
    await expect(clock.until(holdfast.once(job, () => 1))).rejects.toMatchObject({ reason: "INTERNAL" });
    expect(count("claim")).toBe(2);
  });

  test("by nobody, because no server is there, ends after the total time with the last error", async () => {
    const { server, clock, holdfast } = start();
    server.meddle = () => Promise.reject(unavailable());
    const before = clock.monotonicMs();
    await expect(clock.until(holdfast.once(job, () => 1))).rejects.toMatchObject({ code: Code.Unavailable });
    expect(clock.monotonicMs() - before).toBeGreaterThan(50_000);
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(60_000);
    expect(clock.pending()).toBe(0);
  });

  test("with CLAIM_ENDED, which it never held, is made anew with another claim_id", async () => {
    const { server, clock, holdfast, claimIds } = start();
    server.meddle = (call, pass) =>
      call.method === "claim" && call.earlier === 0
        ? server.refuse(new Fault("CLAIM_ENDED", "this attempt has ended"))
        : pass();
    expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ value: 1 });
    expect(claimIds()).toHaveLength(2);
    expect(new Set(claimIds()).size).toBe(2);
  });
});

describe("a completion that is refused", () => {
  test("with RESULT_CONFLICT is ResultConflictError", async () => {
    const { server, holdfast } = start();
    server.meddle = (call, pass) =>
      call.method === "complete" ? server.refuse(new Fault("RESULT_CONFLICT", "ended otherwise")) : pass();
    await expect(holdfast.once(job, () => 1)).rejects.toBeInstanceOf(ResultConflictError);
  });

  test("with RESULT_TOO_LARGE ends the record without its result", async () => {
    const { server, holdfast, record } = start();
    server.meddle = (call, pass) =>
      call.method === "complete" && call.earlier === 0
        ? server.refuse(new Fault("RESULT_TOO_LARGE", "the limit is lower here"))
        : pass();
    const done = holdfast.once(job, () => "value");
    await expect(done).rejects.toMatchObject({ name: "ResultUnavailableError", why: "omitted", value: "value" });
    expect((await record())?.state).toBe("completed");
  });
});
