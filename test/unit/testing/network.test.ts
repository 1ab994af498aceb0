import { describe, expect, test } from "vitest";
import type { HoldfastError } from "../../../src/client/client.ts";
import type { Method } from "../../../src/testing/test-server.ts";
import { charge, forEver, start, thrown, watch } from "./charge.ts";

describe("what is lost", () => {
  test.each([
    ["claim", 0, "in-progress"],
    ["complete", 1, "completed"],
  ] as const)("the answer of %s: the work is done once all the same", async (method, runsBefore, stateBefore) => {
    await using stage = start();
    const { clock, faults, holdfast, state, record } = stage;
    faults.loseNextAnswer(method);
    let runs = 0;
    const done = watch(holdfast.once(charge, () => ++runs));
    await clock.advance(0);
    expect([done.state, runs, await state()]).toEqual(["open", runsBefore, stateBefore]);
    await clock.advance(1_000);
    expect(done).toMatchObject({ state: "kept", value: { value: 1, replayed: false, attempt: 1 } });
    expect(runs).toBe(1);
    expect(await record()).toMatchObject({ state: "completed", attempt: 1, value: 1 });
  });

  test("the request of complete: it is sent again", async () => {
    await using stage = start();
    const { clock, faults, holdfast, state } = stage;
    faults.loseNextRequest("complete");
    const done = watch(holdfast.once(charge, () => "paid"));
    await clock.advance(0);
    expect([done.state, await state()]).toEqual(["open", "in-progress"]);
    await clock.advance(1_000);
    expect([done.state, await state()]).toEqual(["kept", "completed"]);
  });

  test("said twice, it befalls two calls", async () => {
    await using stage = start();
    const { faults, holdfast } = stage;
    faults.loseNextRequest("claim");
    faults.loseNextRequest("claim");
    const claim = { key: charge, claimId: crypto.randomUUID() };
    const lost = { rawMessage: "the connection was lost" };
    expect(await thrown(holdfast.rpc.claim(claim))).toMatchObject(lost);
    expect(await thrown(holdfast.rpc.claim(claim))).toMatchObject(lost);
    expect((await holdfast.rpc.claim(claim)).detail.case).toBe("acquired");
    faults.loseNextRequest();
    expect(await thrown(holdfast.rpc.getRecord({ key: charge }))).toMatchObject(lost);
    expect((await holdfast.rpc.getRecord({ key: charge })).record?.attempt).toBe(1);
  });

  test("the answer of waitFor: the wait is begun again, and nobody notices", async () => {
    await using stage = start();
    const { clock, faults, holdfast } = stage;
    await holdfast.once(charge, () => "paid");
    faults.loseNextAnswer("waitFor");
    const told = watch(holdfast.result(charge));
    await clock.advance(0);
    expect(told.state).toBe("open");
    await clock.advance(1_000);
    expect(told).toMatchObject({ state: "kept", value: "paid" });
  });
});

describe("what is late", () => {
  test("an answer that takes longer than a call may: it is asked for again", async () => {
    await using stage = start();
    const { clock, faults, holdfast } = stage;
    faults.delayNextAnswer(15_000, "complete");
    const done = watch(holdfast.once(charge, () => "paid"));
    await clock.advance(9_000);
    expect(done.state).toBe("open");
    await clock.advance(2_000);
    expect(done).toMatchObject({ state: "kept", value: { value: "paid", attempt: 1 } });
  });

  test("a request: what comes after it overtakes it", async () => {
    await using stage = start();
    const { server, clock, faults, holdfast } = stage;
    faults.delayNextRequest(500, "claim");
    const first = watch(holdfast.once(charge, () => "first"));
    const second = watch(server.client().once(charge, () => "second"));
    await clock.advance(0);
    expect([first.state, second.value?.value]).toEqual(["open", "second"]);
    await clock.advance(500);
    expect(first).toMatchObject({ state: "kept", value: { value: "second", replayed: true } });
  });
});

test("a server that cannot be reached keeps nobody from the result who has the time", async () => {
  await using stage = start();
  const { clock, faults, holdfast } = stage;
  await faults.unavailable(true);
  const done = watch(holdfast.once(charge, () => "paid"));
  await clock.advance(20_000);
  expect(done.state).toBe("open");
  await faults.unavailable(false);
  await clock.advance(6_000);
  expect(done).toMatchObject({ state: "kept", value: { value: "paid" } });
});

test("a server that stays away is told of when the client's time for retries is over", async () => {
  await using stage = start();
  const { server, clock, faults } = stage;
  await faults.unavailable(true);
  const hasty = server.client({ retry: { totalTimeoutMs: 5_000 } });
  const error = (await clock.until(thrown(hasty.once(charge, () => "paid")))) as HoldfastError;
  expect(error).toMatchObject({
    name: expect.stringMatching(/Error$/),
    message: "Unavailable: the server cannot be reached",
  });
});

test("heartbeats that do not come through for a while are sent again, and the work keeps its lease", async () => {
  await using stage = start();
  const { server, clock, faults, holdfast } = stage;
  const done = watch(holdfast.once(charge, () => clock.sleep(25_000).then(() => "slow")));
  await clock.advance(5_000);
  await faults.unavailable(true);
  await clock.advance(10_000);
  await faults.unavailable(false);
  await clock.advance(15_000);
  expect(done).toMatchObject({ state: "kept", value: { value: "slow", attempt: 1 } });
  expect(server.warnings).toEqual([]);
});

test("the work is told to stop when its lease is over because nothing came through", async () => {
  await using stage = start();
  const { clock, faults, holdfast } = stage;
  let told: unknown;
  void holdfast.once(charge, ({ signal }) => {
    signal.addEventListener("abort", () => {
      told = signal.reason;
    });
    return forEver();
  });
  await clock.advance(0);
  await faults.unavailable(true);
  await clock.advance(31_000);
  expect(told).toMatchObject({ name: "LeaseLostError", why: "expired" });
});

test("a bad fault is refused with what is allowed", async () => {
  await using stage = start();
  const { faults, server } = stage;
  expect(() => faults.loseNextAnswer("compelte" as Method)).toThrow(
    'method must be one of claim, heartbeat, complete, fail, waitFor, resolveTenant, getRecord, and not "compelte"',
  );
  expect(() => faults.delayNextAnswer(-1)).toThrow("a delay must be a number of milliseconds, 0 or more, and not -1");
  expect(await thrown(faults.expireLease("charge", "evt_9"))).toMatchObject({
    message: 'nobody holds "evt_9" of scope "charge": it is absent',
  });
  await stage.holdfast.once(charge, () => 1);
  expect(await thrown(faults.expireLease("charge", "evt_1"))).toMatchObject({
    message: 'nobody holds "evt_1" of scope "charge": it is completed',
  });
  expect(await thrown(faults.kill(start().holdfast))).toMatchObject({
    message: "kill() takes a client that this server's client() has made",
  });
  expect(() => start({ clock: "quartz" as "real" })).toThrow('clock must be "manual" or "real", and not "quartz"');
  expect(() => start({ tenants: [] as never })).toThrow("tenants must be at least one");
  expect(server.warnings).toEqual([]);
});
