import { expect, test } from "vitest";
import { plainTenant, UNLIMITED } from "../../../src/domain/tenant.ts";
import { createOnlooker } from "../../support/waiting.ts";
import { settled } from "../store/manual-clock.ts";
import { createHubScene, KEY } from "./hub-scene.ts";

const NOTHING = { calls: 0, waiters: 0, keys: 0 };

test("a tenant may have so many waiting calls on a server, and not one more", () => {
  const { hub } = createHubScene({ waitersMax: 2 });
  const [a, b] = [plainTenant("a"), plainTenant("b")];
  const admitted = [hub.admit(a, 1), hub.admit(a, 1)];
  expect(() => hub.admit(a, 1)).toThrow(expect.objectContaining({ code: "QUOTA_WAITERS" }));
  admitted.push(hub.admit(b, 1));
  expect(hub.status().calls).toBe(3);
  admitted[0]?.[Symbol.dispose]();
  admitted[0]?.[Symbol.dispose]();
  expect(hub.status().calls).toBe(2);
  admitted.push(hub.admit(a, 1));
  expect(() => hub.admit(a, 1)).toThrow(expect.objectContaining({ code: "QUOTA_WAITERS" }));
  for (const each of admitted) each[Symbol.dispose]();
  expect(hub.status()).toEqual(NOTHING);
});

test.each([
  [1, 1],
  [3, 2],
  [0, 2],
])("a tenant's own limit of %d and the server's of 2 let %d in", (own, expected) => {
  const { hub } = createHubScene({ waitersMax: 2 });
  const tenant = { ...plainTenant("a"), limits: { ...UNLIMITED, waiters: own } };
  for (let i = 0; i < expected; i++) hub.admit(tenant, 1);
  expect(() => hub.admit(tenant, 1)).toThrow(expect.objectContaining({ code: "QUOTA_WAITERS" }));
});

test("a tenant's calls may wait for so many records on a server, and any number for each", async () => {
  const { hub, join } = createHubScene({ keysMax: 2 });
  const keys = ["1", "2", "3"].map((key) => ({ ...KEY, key }));
  const joined = [await join(createOnlooker(), keys[0]), await join(createOnlooker(), keys[1])];
  await expect(join(createOnlooker(), keys[2])).rejects.toMatchObject({ code: "QUOTA_WAITERS" });
  joined.push(await join(createOnlooker(), keys[1]));
  joined.push(await join(createOnlooker(), { ...KEY, tenant: "other", key: "3" }));
  expect(hub.status()).toEqual({ calls: 0, waiters: 4, keys: 3 });

  joined[1]?.leave();
  await settled();
  await expect(join(createOnlooker(), keys[2])).rejects.toMatchObject({ code: "QUOTA_WAITERS" });
  joined[2]?.leave();
  await settled();
  joined.push(await join(createOnlooker(), keys[2]));
  for (const { leave } of joined) leave();
  await settled();
  expect(hub.status()).toEqual(NOTHING);
});

test("leaving is possible at any time, and twice is once", async () => {
  const { hub, reads, hold, join, clock } = createHubScene();
  await hold();
  for (const [where, call] of [
    ["before", "peek"],
    ["after", "peek"],
    ["before", "watch"],
    ["after", "watch"],
  ] as const) {
    const key = { ...KEY, key: `${where} ${call}` };
    await hold(key);
    const stop = reads.stop(where, call);
    const { leave, onlooker } = await join(createOnlooker(), key);
    await stop.reached;
    leave();
    leave();
    expect(hub.status().waiters).toBe(0);
    const shown = onlooker.seen.length;
    stop.go();
    await settled();
    expect(onlooker.seen.length, `shown after leaving ${where} ${call}`).toBe(shown);
    expect(hub.status()).toEqual(NOTHING);
  }
  const { leave } = await join();
  leave();
  await settled();
  expect(hub.status()).toEqual(NOTHING);
  expect(reads.counts.peek).toBe(5);
  await clock.advance(2_000);
  expect(clock.sleepers).toBe(0);
});

test("waiters who leave while a read fails leave nothing behind", async () => {
  const { hub, reads, join, clock } = createHubScene();
  const stop = reads.stop("before", "peek");
  const { leave } = await join();
  await stop.reached;
  stop.fail(new Error("no database"));
  await settled();
  leave();
  await settled();
  expect(hub.status()).toEqual(NOTHING);
  await clock.advance(2_000);
  expect(clock.sleepers).toBe(0);
});

test("a waiter that comes in the moment in which the last one leaves is served", async () => {
  const { hub, hold, join, elsewhere, complete, notify } = createHubScene();
  const proof = await hold();
  const first = await join();
  first.leave();
  const second = createOnlooker();
  hub.join(KEY, second);
  await settled();
  expect(second.states).toEqual(["in-progress"]);
  await complete(elsewhere, proof);
  await notify();
  expect(second.states).toEqual(["in-progress", "completed"]);
});

test("waiters that leave when they are shown the end leave the hub empty, also when they are many", async () => {
  const { hub, hold, here, complete, reads } = createHubScene();
  const proof = await hold();
  let ended = 0;
  for (let i = 0; i < 1_000; i++) {
    const onlooker = createOnlooker(({ record }) => {
      if (record?.state !== "completed") return;
      ended++;
      joined.leave(onlooker);
    });
    const joined = hub.join(KEY, onlooker);
  }
  await settled();
  await complete(here, proof);
  for (let i = 0; i < 10; i++) await settled();
  expect(ended).toBe(1_000);
  expect(hub.status()).toEqual(NOTHING);
  expect(reads.counts.peek).toBe(2);
});

test("a drain dismisses all and admits nobody any more", async () => {
  const { hub, hold, join } = createHubScene();
  await hold();
  const joined = [await join(), await join(createOnlooker(), { ...KEY, key: "absent" })];
  const admitted = hub.admit(plainTenant("a"), 1);
  hub.drain();
  for (const { onlooker, leave } of joined) {
    expect(onlooker.isDismissed).toBe(true);
    leave();
  }
  expect(() => hub.admit(plainTenant("a"), 1)).toThrow(expect.objectContaining({ code: "DRAINING" }));
  admitted[Symbol.dispose]();
  await settled();
  expect(hub.status()).toEqual(NOTHING);
});
