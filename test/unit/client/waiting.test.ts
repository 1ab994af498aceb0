import { durationMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import type { ClaimRequest } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { retryable } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { Meddle } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

const never = new AbortController().signal;

/** Somebody works on the job for so long; `claims` are those of everybody else. */
async function busyFor(ms: number) {
  const all = start();
  const { clock, server, holdfast } = all;
  const holding = holdfast.once(job, async () => {
    await clock.sleep(ms, never);
    return "done";
  });
  await settle();
  const claims = () => server.requests.filter(isClaim).slice(1);
  return { ...all, other: server.client(), holding, claims, waits: () => claims().map(waitMsOf) };
}

const isClaim = (request: { readonly $typeName: string }): request is ClaimRequest =>
  request.$typeName === "holdfast.v1.ClaimRequest";
const waitMsOf = ({ wait }: ClaimRequest) => (wait === undefined ? 0 : durationMs(wait));

/** As a server answers that has never heard of waiting. */
const withoutWaiting: Meddle = (call, pass) => {
  if (isClaim(call.request as never)) Object.assign(call.request, { wait: undefined });
  return pass();
};

describe("a caller who waits", () => {
  test("has one claim open, and gets the result when it is there", async () => {
    const { clock, other, claims, waits } = await busyFor(20_000);
    const before = clock.monotonicMs();
    expect(await clock.until(other.once(job, () => "mine"))).toMatchObject({ value: "done", replayed: true });
    expect(clock.monotonicMs() - before).toBe(20_000);
    expect(waits()).toEqual([30_000]);
    expect(claims()).toHaveLength(1);
  });

  test("asks again at once and with the same claim_id when the server has waited in vain", async () => {
    const { clock, other, claims, waits } = await busyFor(100_000);
    const before = clock.monotonicMs();
    expect(await clock.until(other.once(job, () => "mine"))).toMatchObject({ value: "done" });
    expect(clock.monotonicMs() - before).toBe(100_000);
    expect(waits()).toEqual([30_000, 30_000, 30_000, 30_000]);
    expect(new Set(claims().map(({ claimId }) => claimId)).size).toBe(1);
  });

  test("has the server wait for what is left of timeoutMs, less what the answer takes", async () => {
    const { clock, other, waits } = await busyFor(100_000);
    const timeoutMs = 45_000.7;
    const waiting = other.once({ ...job, timeoutMs }, () => "mine");
    expect(await thrown(clock.until(waiting))).toMatchObject({ reason: "TIMEOUT", lastOutcome: "in-progress" });
    expect(waits().slice(0, 2)).toEqual([30_000, expect.closeTo(14_900, -2)]);
    expect(waits().every(Number.isInteger)).toBe(true);
    // One more look at the end, and nothing is cancelled or asked about.
    expect(
      waits()
        .slice(2)
        .every((ms) => ms === 0),
    ).toBe(true);
    expect(waits().length).toBeLessThanOrEqual(4);
  });

  test.each([0, 1, 50, 100])("does not have the server wait for a timeoutMs of %d", async (timeoutMs) => {
    const { clock, other, waits } = await busyFor(100_000);
    expect(await thrown(clock.until(other.once({ ...job, timeoutMs }, () => 1)))).toMatchObject({ reason: "TIMEOUT" });
    expect(waits().every((ms) => ms === 0)).toBe(true);
  });

  test("is repeated to another server, with the same claim_id, when one shuts down", async () => {
    const { server, clock, other, claims } = await busyFor(20_000);
    server.meddle = async (call, pass) => {
      if (call.method !== "claim" || call.earlier > 1) return pass();
      await clock.sleep(5_000, never);
      return server.refuse(new Fault("DRAINING", "this server is shutting down"));
    };
    expect(await clock.until(other.once(job, () => "mine"))).toMatchObject({ value: "done" });
    expect(claims()).toHaveLength(2);
    expect(new Set(claims().map(({ claimId }) => claimId)).size).toBe(1);
  });

  test("gives a try the wait and a try's time, and counts the total time without the waits", async () => {
    const { server, clock, other, claims } = await busyFor(1_000_000);
    server.meddle = (call, pass) => (call.method === "claim" ? new Promise(() => {}) : pass());
    const before = clock.monotonicMs();
    const waiting = thrown(other.once(job, () => "mine"));
    await clock.advance(39_999);
    expect(claims()).toHaveLength(1);
    await clock.advance(100);
    expect(claims()).toHaveLength(2);
    expect(await clock.until(waiting)).toMatchObject({ name: "TransportError" });
    expect(clock.monotonicMs() - before).toBeGreaterThan(200_000);
    expect(clock.monotonicMs() - before).toBeLessThan(240_010);
  });
});

describe("a server that does not wait", () => {
  test("because it is older is asked in pauses that double, up to what is left of the lease", async () => {
    const { server, clock, other, claims } = await busyFor(60_000);
    server.meddle = withoutWaiting;
    expect(await clock.until(other.once(job, () => "mine"))).toMatchObject({ value: "done", replayed: true });
    expect(claims().length).toBeGreaterThan(5);
    expect(claims().length).toBeLessThan(15);
  });

  test("because too many wait already is asked without a wait, for however long the work takes", async () => {
    const { server, clock, other, waits } = await busyFor(300_000);
    server.meddle = (call, pass) =>
      call.method === "claim" && waitMsOf(call.request as ClaimRequest) > 0
        ? server.refuse(new Fault("QUOTA_WAITERS", "10000 calls wait here already"))
        : pass();
    expect(await clock.until(other.once(job, () => "mine"))).toMatchObject({ value: "done", replayed: true });
    expect(waits().slice(0, 2)).toEqual([30_000, 0]);
    expect(waits().length).toBeLessThan(60);
  });

  test("for a while only is asked in short pauses again after a wait", async () => {
    const { server, clock, other, waits } = await busyFor(100_000);
    server.meddle = (call, pass) => (call.earlier < 6 || call.earlier === 8 ? withoutWaiting(call, pass) : pass());
    const before = clock.monotonicMs();
    expect(await clock.until(other.once(job, () => "mine"))).toMatchObject({ value: "done" });
    expect(clock.monotonicMs() - before).toBe(100_000);
    expect(waits().length).toBeLessThan(12);
  });
});

describe("a retry that is scheduled", () => {
  async function failedWith(delayMs: number) {
    const all = start();
    await thrown(all.holdfast.once(job, () => Promise.reject(retryable("no", { delayMs }))));
    const requests = () => all.server.requests.filter(isClaim).slice(1);
    return { ...all, waits: () => requests().map(waitMsOf) };
  }

  test("within the wait is the server's to wait for", async () => {
    const { clock, holdfast, waits } = await failedWith(20_000);
    const before = clock.monotonicMs();
    expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ attempt: 2, reason: "retry" });
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(20_060);
    // The second confirms the lease.
    expect(waits()).toEqual([30_000, 0]);
  });

  test("beyond the wait is slept for until it is within", async () => {
    const { clock, holdfast, waits } = await failedWith(100_000);
    const before = clock.monotonicMs();
    expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ attempt: 2, reason: "retry" });
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(100_000);
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(110_000);
    expect(waits().length).toBeLessThanOrEqual(4);
  });

  test("is slept for to the end where the server does not wait", async () => {
    const { server, clock, holdfast, waits } = await failedWith(100_000);
    server.meddle = withoutWaiting;
    expect(await clock.until(holdfast.once(job, () => 1))).toMatchObject({ attempt: 2, reason: "retry" });
    expect(waits().length).toBeLessThanOrEqual(4);
  });
});
