import { afterAll, beforeAll, expect, test } from "vitest";
import { policyOf } from "../../store/bench.ts";
import { bytes, flagAsItIs, freshToken, LEASE_MS, SECOND } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

test("a heartbeat extends with the record's token and with no other", async () => {
  const { a } = createScene(sessions);
  const lease = await a.acquire();
  expect(await a.heartbeat(lease)).toBe("extended");
  expect(await a.heartbeat({ ...lease, token: freshToken() })).toBe("LEASE_TOKEN_INVALID");
});

test("a completion ends the record once; a fail after it changes nothing", async () => {
  const { a, row } = createScene(sessions);
  const lease = await a.acquire();
  expect(await a.finished(lease, "complete")).toBe("completed");
  const stored = await row();
  expect(await a.finished(lease, "complete")).toBe("already applied");
  expect(await a.finished(lease, "terminal")).toBe("RESULT_CONFLICT");
  expect(await row()).toEqual(stored);
  expect(await a.claimed()).toBe("completed");
});

test("after a takeover the former holder can neither complete nor extend, and the new one can", async () => {
  const { a, advance } = createScene(sessions);
  const former = await a.acquire();
  advance(LEASE_MS);
  const holder = await a.acquire();
  expect(await a.finished(former, "complete")).toBe("LEASE_SUPERSEDED");
  expect(await a.heartbeat(former)).toBe("LEASE_SUPERSEDED");
  expect(await a.finished(holder, "complete")).toBe("completed");
});

test("an end after the lease is accepted and called late, as long as nobody took over", async () => {
  const { a, advance } = createScene(sessions);
  const lease = await a.acquire();
  advance(LEASE_MS);
  expect(await a.finished(lease, "complete")).toBe("completed, late");
});

test("a late completion of the last attempt is accepted until the failure is stored", async () => {
  const { a, advance } = createScene(sessions);
  const lease = await a.acquire({ policy: policyOf({ maxAttempts: 1 }) });
  advance(LEASE_MS);
  expect(await a.finished(lease, "complete")).toBe("completed, late");
});

test("a retryable fail of the last attempt fails the record, for the reason of used-up attempts, with its own error", async () => {
  const { a, row } = createScene(sessions);
  const lease = await a.acquire({ policy: policyOf({ maxAttempts: 1 }) });
  expect(await a.finished(lease, "retryable", { outcome: bytes("the error") })).toBe("failed");
  expect(await row()).toMatchObject({ state: 4, reason: 4, end_time: a.now(), due: a.now() + 86_400_000_000 });
  expect(String((await row())?.outcome)).toBe("the error");
});

test("a give-back hits only the very end of the lease that it was granted", async () => {
  const { a } = createScene(sessions);
  const lease = await a.acquire();
  expect(await a.finished(lease, "not-started", { onlyIfDue: lease.due + 1 })).toBe("INVALID_STATE");
  expect(await a.finished(lease, "not-started", { onlyIfDue: lease.due })).toBe("available");
});

test("a delay beyond the result retention leaves the lease alone", async () => {
  const { a, row } = createScene(sessions);
  const lease = await a.acquire({ policy: policyOf({ resultRetentionMs: 60 * SECOND }) });
  const stored = await row();
  expect(await a.finished(lease, "retryable", { delayMs: 60 * SECOND + 1 })).toBe("DURATION_OUT_OF_RANGE");
  expect(await row()).toEqual(stored);
  expect(await a.finished(lease, "retryable", { delayMs: 60 * SECOND })).toBe("available");
});

test("the last attempt's failure is settled only while its lease is over", async () => {
  const { a, advance, settleOn } = createScene(sessions);
  const lease = await a.acquire({ policy: policyOf({ maxAttempts: 1 }) });
  advance(LEASE_MS);
  await a.heartbeat(lease);
  expect(await settleOn(sessions.b, lease.fence)).toBe(false);
  advance(LEASE_MS);
  expect(await settleOn(sessions.b, lease.fence + 1n)).toBe(false);
  expect(await settleOn(sessions.b, lease.fence)).toBe(true);
  expect(await a.claimed()).toBe("failed");
});

test("a flag is set once, and told to whoever ends", async () => {
  const { a, storeB } = createScene(sessions);
  const lease = await a.acquire();
  expect(await flagAsItIs(storeB, a.key)).toBe(true);
  expect(await flagAsItIs(storeB, a.key)).toBe(false);
  expect(await a.finish(lease, "complete")).toMatchObject({ kind: "ended", hasWaiters: true });
  expect(await flagAsItIs(storeB, a.key)).toBe(false);
});

test("a bare extension is committed lazily; one with a checkpoint or a reference, and every end, is not", async () => {
  const query = <Row>(text: string) => sessions.a.query<Row>({ name: "", text }, []);
  const settingAfter = async (work: () => Promise<unknown>) => {
    await query("begin");
    await work();
    const [row] = await query<{ synchronous_commit: string }>("show synchronous_commit");
    await query("commit");
    return row?.synchronous_commit;
  };
  await query("set synchronous_commit = on"); // A test server may run without.
  const { a } = createScene(sessions);
  const lease = await a.acquire();
  const checkpoint = { sequence: 1n, encoded: bytes("cp") };
  expect(await settingAfter(() => a.heartbeat(lease, { progress: bytes("half") }))).toBe("off");
  expect(await settingAfter(() => a.heartbeat(lease, { checkpoint }))).toBe("on");
  expect(await settingAfter(() => a.heartbeat(lease, { externalRef: "charge-1" }))).toBe("on");
  expect(await settingAfter(() => a.finish(lease, "complete"))).toBe("on");
  const [row] = await query<{ synchronous_commit: string }>("show synchronous_commit");
  expect(row?.synchronous_commit).toBe("on");
});
