import { expect, test } from "vitest";
import { createClient, FingerprintMismatchError, terminal } from "../../../src/client/client.ts";
import { createTestServer } from "../../../src/testing/test-server.ts";
import { charge, forEver, start, thrown, watch } from "./charge.ts";

test("records are shown with what they hold, in the order of their names", async () => {
  await using stage = start();
  const { server, clock, holdfast, records } = stage;
  await holdfast.once({ ...charge, key: "b", metadata: { order: "7" } }, () => new Uint8Array([1, 2]));
  await holdfast.once({ ...charge, key: "a" }, () => undefined);
  await thrown(holdfast.once({ ...charge, key: "c" }, () => Promise.reject(terminal("no such card", { code: 5 }))));
  void server.client({ owner: { service: "billing" } }).once({ scope: "mail", key: "a", input: 1 }, async (attempt) => {
    await attempt.checkpoint({ page: 3 });
    return forEver();
  });
  await clock.advance(0);
  expect(await records.list()).toMatchObject([
    { tenant: "default", scope: "charge", key: "a", state: "completed", value: undefined },
    { key: "b", state: "completed", value: new Uint8Array([1, 2]), metadata: { order: "7" } },
    { key: "c", state: "failed", value: undefined, error: { code: 5, message: "no such card" } },
    { scope: "mail", key: "a", state: "in-progress", owner: { service: "billing" }, checkpoint: { data: { page: 3 } } },
  ]);
  expect(await records.get("charge", "d")).toBe(undefined);
});

test("what the rules refuse is refused as by any server", async () => {
  await using stage = start();
  const { holdfast } = stage;
  await holdfast.once(charge, () => 1);
  expect(await thrown(holdfast.once({ ...charge, input: "other" }, () => 2))).toBeInstanceOf(FingerprintMismatchError);
  const error = await thrown(holdfast.once({ ...charge, key: "evt_2", leaseMs: 5 }, () => 2));
  expect(error).toMatchObject({ reason: "DURATION_OUT_OF_RANGE", violations: [{ field: "lease" }] });
});

test("what a client warns of is kept, unless it was told whom to tell", async () => {
  await using stage = start();
  const { server, holdfast } = stage;
  await holdfast.once(charge, () => 1);
  await holdfast.once({ ...charge, maxAttempts: 3 }, () => 2);
  expect(server.warnings).toEqual([{ kind: "policy-differs", scope: "charge", key: "evt_1" }]);
  const told: unknown[] = [];
  await server.client({ onWarning: (warning) => told.push(warning) }).once({ ...charge, maxAttempts: 3 }, () => 2);
  expect([server.warnings.length, told.length]).toEqual([1, 1]);
});

test("tenants are apart, and one that there is not is said to be unknown", async () => {
  await using server = createTestServer({ tenants: ["acme", "globex"] });
  const [acme, globex, nobody] = ["acme", "globex", "initech"].map((tenant) => server.client({ tenant }));
  expect((await acme?.once(charge, () => "of acme"))?.value).toBe("of acme");
  expect((await globex?.once(charge, () => "of globex"))?.value).toBe("of globex");
  expect(await thrown(nobody?.once(charge, () => 1) ?? forEver())).toMatchObject({ reason: "TENANT_NOT_FOUND" });
  expect((await server.records.get(charge.scope, charge.key))?.value).toBe("of acme");
  expect((await server.records.get(charge.scope, charge.key, "globex"))?.value).toBe("of globex");
  expect((await server.records.list()).map(({ tenant }) => tenant)).toEqual(["acme", "globex"]);
});

test("code that makes its client by itself is given the way and the clock", async () => {
  await using stage = start();
  const { server, clock, faults } = stage;
  const holdfast = createClient({ ...server.clientOptions(), owner: { service: "billing" } });
  faults.loseNextAnswer("claim");
  expect((await clock.until(holdfast.once(charge, () => 1))).value).toBe(1);
  await holdfast.close();
});

test("two servers know nothing of each other", async () => {
  await using one = start();
  await using other = start();
  await one.holdfast.once(charge, () => "one");
  expect((await other.holdfast.once(charge, () => "other")).value).toBe("other");
});

test("a server can be closed whatever its clients are at", async () => {
  const stage = start();
  const held = watch(stage.holdfast.once(charge, forEver));
  await stage.clock.advance(0);
  await stage.server.close();
  await stage.holdfast.close();
  expect(held.state).toBe("open");
  expect(await stage.state()).toBe("in-progress");
});

test("by a real clock time passes by itself", async () => {
  await using stage = start({ clock: "real" });
  const { clock, faults, holdfast, state } = stage;
  const before = clock.now();
  faults.loseNextAnswer("complete");
  const done = await clock.until(holdfast.once(charge, () => clock.sleep(5).then(() => "paid")));
  expect(done).toMatchObject({ value: "paid", attempt: 1 });
  await clock.advance(1);
  expect(await state()).toBe("completed");
  expect(clock.now().getTime()).toBeGreaterThan(before.getTime());
});
