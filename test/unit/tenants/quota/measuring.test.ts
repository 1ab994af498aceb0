import { expect, test } from "vitest";
import { UNLIMITED } from "../../../../src/domain/tenant.ts";
import type { Usage, UsageSource } from "../../../../src/store/usage.ts";
import { createMeasuring, MEASURE_INTERVAL_MS } from "../../../../src/tenants/quota/measuring.ts";
import { createMeteredQuota, isMetered } from "../../../../src/tenants/quota/metered.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";

const usageOf = (liveRecords: number): Usage => ({ liveRecords, storedBytes: 0, leases: 0 });

function scene() {
  const clock = createManualClock();
  const errors: unknown[] = [];
  const quota = createMeteredQuota({ limits: { ...UNLIMITED, liveRecords: 10n }, clock });
  if (!isMetered(quota)) throw new Error("not metered");
  const used = { now: usageOf(0), kept: null as { readonly usage: Usage; readonly atMs: number } | null };
  const calls: string[] = [];
  let tookMs = 0;
  let failure: Error | null = null;
  const source: UsageSource = {
    async latest() {
      calls.push("latest");
      return used.kept && { usage: used.kept.usage, ageMs: clock.monotonicMs() - used.kept.atMs };
    },
    async measure(_tenant, signal) {
      calls.push("measure");
      if (tookMs > 0) await clock.sleep(tookMs, signal);
      if (failure !== null) throw failure;
      used.kept = { usage: used.now, atMs: clock.monotonicMs() };
      return used.now;
    },
  };
  const measuring = createMeasuring({ clock, random: () => 0.5, onError: (error) => errors.push(error) });
  return {
    ...{ clock, quota, used, calls, errors, measuring, source },
    isFull: () => quota.reserve().refusal !== null,
    take(ms: number) {
      tookMs = ms;
    },
    fail(error: Error) {
      failure = error;
    },
  };
}

const NEVER = new AbortController().signal;

test("a tenant is measured at once and then in intervals", async () => {
  const { clock, quota, used, calls, measuring, source, isFull } = scene();
  used.now = usageOf(10);
  await measuring.follow("acme", quota, source, NEVER);
  await settled();
  expect(isFull()).toBe(true);
  used.now = usageOf(9);
  await clock.advance(MEASURE_INTERVAL_MS);
  expect(isFull()).toBe(false);
  expect(calls.filter((call) => call === "measure")).toHaveLength(2);
  measuring[Symbol.dispose]();
});

test("what another server has measured just now is taken over instead, but for the first time", async () => {
  const { clock, quota, used, calls, measuring, source, isFull } = scene();
  await measuring.follow("acme", quota, source, NEVER);
  await settled();
  expect(calls.filter((call) => call === "measure")).toHaveLength(1);
  used.kept = { usage: usageOf(10), atMs: clock.monotonicMs() + MEASURE_INTERVAL_MS - 1_000 };
  await clock.advance(MEASURE_INTERVAL_MS);
  expect(isFull()).toBe(true);
  expect(calls.filter((call) => call === "measure")).toHaveLength(1);
  measuring[Symbol.dispose]();
});

test("an old measurement serves until there is a new one", async () => {
  const { clock, quota, used, measuring, source, isFull, take } = scene();
  used.kept = { usage: usageOf(10), atMs: clock.monotonicMs() - 60_000 };
  take(500);
  await measuring.follow("acme", quota, source, NEVER);
  expect(isFull()).toBe(true);
  used.now = usageOf(3);
  await clock.advance(500);
  expect(isFull()).toBe(false);
  measuring[Symbol.dispose]();
});

test("who takes long to measure is measured seldom", async () => {
  const { clock, quota, calls, measuring, source, take } = scene();
  take(2_000);
  await measuring.follow("acme", quota, source, NEVER);
  await clock.advance(2_000);
  const measured = () => calls.filter((call) => call === "measure").length;
  await clock.advance(39_000);
  expect(measured()).toBe(1);
  await clock.advance(1_000);
  expect(measured()).toBe(2);
  measuring[Symbol.dispose]();
});

test("a database that is away is told, and asked again", async () => {
  const { clock, quota, errors, calls, measuring, source, fail } = scene();
  const away = new Error("away");
  fail(away);
  await measuring.follow("acme", quota, source, NEVER);
  await settled();
  expect(errors).toEqual([away]);
  expect(quota.reserve().refusal).toBeNull();
  await clock.advance(MEASURE_INTERVAL_MS);
  expect(calls.filter((call) => call === "measure")).toHaveLength(2);
  measuring[Symbol.dispose]();
});

test("it ends with the tenant's runtime, or with the server", async () => {
  const { clock, quota, measuring, source } = scene();
  const gone = new AbortController();
  await measuring.follow("acme", quota, source, gone.signal);
  await measuring.follow("other", quota, source, NEVER);
  await settled();
  expect(clock.sleepers).toBe(2);
  gone.abort();
  await settled();
  expect(clock.sleepers).toBe(1);
  measuring[Symbol.dispose]();
  await settled();
  expect(clock.sleepers).toBe(0);
});
