import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { fingerprint, notStarted, retryable } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { unavailable } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

const never = new AbortController().signal;
const LEASE_MS = 5_000;

/** Somebody has claimed the job and is dead: the lease runs out, and whoever waits is promoted. */
async function abandoned() {
  const all = start();
  const { holdfast, claimIds } = all;
  await holdfast.rpc.claim({
    key: { scope: job.scope, key: job.key },
    claimId: "somebody-who-is-dead",
    fingerprint: fingerprint(job.input),
    lease: durationFromMs(LEASE_MS),
  });
  return { ...all, other: all.server.client(), ids: () => claimIds().slice(1) };
}

describe("a lease that came late", () => {
  test("is confirmed by the same claim before the work begins, and counts from then", async () => {
    const { clock, other, ids } = await abandoned();
    const done = other.once({ ...job, leaseMs: 9_000 }, ({ number, leaseRemainingMs }) => {
      expect(ids()).toHaveLength(2);
      expect(new Set(ids()).size).toBe(1);
      expect(leaseRemainingMs()).toBe(9_000);
      return number;
    });
    expect(await clock.until(done)).toMatchObject({ value: 2, attempt: 2, reason: "takeover", replayed: false });
  });

  test("has the story of the first answer, however often the second is lost", async () => {
    const { server, clock, holdfast } = start();
    const failing = holdfast.once(job, async (attempt) => {
      await clock.sleep(2_000, never);
      await attempt.checkpoint({ step: 3 });
      throw retryable("broken");
    });
    failing.catch(() => undefined);
    await settle();
    server.meddle = async (call, pass) => {
      const answer = await pass();
      if (call.method === "claim" && call.earlier > 1 && call.earlier < 4) throw unavailable();
      return answer;
    };
    const done = server
      .client()
      .once(job, ({ lastCheckpoint, previousError }) => [lastCheckpoint?.data, previousError?.message]);
    expect(await clock.until(done)).toMatchObject({ value: [{ step: 3 }, "broken"], reason: "retry", attempt: 2 });
  });

  test("and was given back meanwhile is claimed anew, with another claim_id", async () => {
    const { server, clock, other, ids } = await abandoned();
    server.believes = () => false;
    server.meddle = async (call, pass) => {
      if (call.method === "claim" && call.earlier === 2) await clock.sleep(50, never);
      return pass();
    };
    let runs = 0;
    expect(await clock.until(other.once(job, () => ++runs))).toMatchObject({ value: 1, attempt: 2, replayed: false });
    const [first, second, third] = ids();
    expect(ids()).toHaveLength(3);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test("is not given back any more once it is confirmed", async () => {
    const { server, clock, other, state } = await abandoned();
    const believed = Promise.withResolvers<boolean>();
    server.believes = () => believed.promise;
    const done = other.once(job, async () => {
      believed.resolve(false);
      await clock.sleep(1_000, never);
      expect(await state()).toBe("in-progress");
      return "mine";
    });
    expect(await clock.until(done)).toMatchObject({ value: "mine", attempt: 2, replayed: false });
  });

  test("and has gone to somebody else meanwhile is waited for, with another claim_id", async () => {
    const { server, clock, holdfast, other, ids } = await abandoned();
    server.believes = () => false;
    let theirs: Promise<unknown> | undefined;
    server.meddle = async (call, pass) => {
      if (call.method !== "claim" || call.earlier !== 2) return pass();
      await clock.sleep(50, never);
      theirs = holdfast.once(job, async () => {
        await clock.sleep(3_000, never);
        return "theirs";
      });
      await clock.sleep(50, never);
      return pass();
    };
    expect(await clock.until(other.once(job, () => "mine"))).toMatchObject({ value: "theirs", replayed: true });
    expect(await theirs).toMatchObject({ value: "theirs", replayed: false });
    const [first, second, , last] = ids();
    expect(second).toBe(first);
    expect(last).not.toBe(first);
  });

  test("is given back when its caller gives up before it is confirmed", async () => {
    const { server, clock, other, record } = await abandoned();
    server.meddle = async (call, pass) => {
      if (call.method === "claim" && call.earlier === 2) await clock.sleep(1_000, never);
      return pass();
    };
    const controller = new AbortController();
    const giving = thrown(other.once({ ...job, signal: controller.signal }, () => 1));
    await clock.advance(LEASE_MS + 500);
    expect(await record()).toMatchObject({ state: "in-progress", attempt: 2 });
    controller.abort(new Error("gone"));
    expect(await giving).toMatchObject({ message: "gone" });
    await clock.advance(1_000);
    expect(await record()).toMatchObject({ state: "available", attempt: 1 });
    expect(clock.pending()).toBe(0);
  });

  test("is given back when its confirmation is refused, and the caller told why", async () => {
    const { server, clock, other, record } = await abandoned();
    server.meddle = (call, pass) =>
      call.method === "claim" && call.earlier >= 2 ? server.refuse(new Fault("INTERNAL", "a bug")) : pass();
    expect(await thrown(clock.until(other.once(job, () => 1)))).toMatchObject({ reason: "INTERNAL" });
    await other.close();
    expect(await record()).toMatchObject({ state: "available", attempt: 1 });
    expect(server.warnings).toEqual([]);
  });
});

describe("a lease that came at once", () => {
  test("is not confirmed", async () => {
    const { holdfast, count } = start();
    await thrown(holdfast.once(job, () => Promise.reject(notStarted("no"))));
    expect(await holdfast.once(job, () => 1)).toMatchObject({ attempt: 1, reason: "retry" });
    expect(count("claim")).toBe(2);
  });
});
