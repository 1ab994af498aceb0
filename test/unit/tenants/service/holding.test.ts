import { expect, test } from "vitest";
import { TenantRegistry } from "../../../../src/tenants/registry.ts";
import { createHolding, named } from "../../../../src/tenants/service/holding.ts";
import type { StoredTenant } from "../../../../src/tenants/table.ts";
import { NOW } from "../../../support/records.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";
import { storedTenant } from "./stored-tenant.ts";

function scene(registeredMax = 100) {
  const clock = createManualClock();
  const disposed: string[] = [];
  const registry = new TenantRegistry<string>({
    ...named<string>({
      build: async ({ id, hosts }) => `${id}:${hosts.map(({ host }) => host).join()}`,
      validate: async () => ({ kind: "accepted" }),
    }),
    ...{ clock, now: () => NOW },
    dispose: (runtime) => void disposed.push(runtime),
  });
  const holding = createHolding({ registry, clock, limits: { registeredMax, idleMs: 600_000 } });
  const use = async (row: StoredTenant) => {
    holding.hold(row);
    return (await registry.resolve(row.registration.id))?.runtime;
  };
  return { clock, disposed, registry, holding, use };
}

const on = (host: string) => ({ hosts: [{ host, path: "" }] });

test("what is built sees the whole registration, and the registry owns no names of it", async () => {
  const { registry, use } = scene();
  expect(await use(storedTenant("a", 1n, on("x")))).toBe("a:x");
  expect(registry.findHost("x", "")).toBeNull();
});

test("a host may go from one tenant to another, in whatever order their rows come", async () => {
  const { holding, use, registry } = scene();
  await use(storedTenant("a", 1n, on("x")));
  expect(await use(storedTenant("b", 3n, on("x")))).toBe("b:x");
  holding.hold(storedTenant("a", 2n, on("y")));
  await settled();
  expect((await registry.resolve("a"))?.runtime).toBe("a:y");
});

test("the same generation changes health and draining, and builds nothing", async () => {
  const { holding, registry, use, disposed } = scene();
  await use(storedTenant("a", 1n));
  const health = { health: "unverified", reason: "no", since: NOW + 1 } as const;
  holding.hold(storedTenant("a", 1n, {}, { health, draining: true }));
  expect((await registry.resolve("a"))?.tenant).toMatchObject({ health: "unverified", draining: true, generation: 1n });
  expect(disposed).toEqual([]);
});

test("a lower generation is that of a database that was set back: it replaces what was held", async () => {
  const { registry, use, disposed } = scene();
  await use(storedTenant("a", 7n, on("new")));
  expect(await use(storedTenant("a", 5n, on("old")))).toBe("a:old");
  expect(disposed).toEqual(["a:new"]);
  expect((await registry.resolve("a"))?.tenant.generation).toBe(5n);
});

test("a later row of the same registration replaces without a gap what is held", async () => {
  const { holding, registry, use, disposed } = scene();
  await use(storedTenant("a", 1n, on("old")));
  holding.hold(storedTenant("a", 3n, on("new"), { updateTime: NOW + 1 }));
  expect((await registry.resolve("a"))?.runtime).toBe("a:old");
  await settled();
  expect((await registry.resolve("a"))?.runtime).toBe("a:new");
  expect(disposed).toEqual(["a:old"]);
});

const OTHERS: readonly (readonly [what: string, row: StoredTenant])[] = [
  ["was created at another time", storedTenant("a", 9n, on("new"), { createTime: NOW + 1, updateTime: NOW + 1 })],
  ["was created earlier", storedTenant("a", 9n, on("new"), { createTime: NOW - 1 })],
  ["has another placement", storedTenant("a", 9n, { ...on("new"), placement: "eu" })],
  ["is encrypted", storedTenant("a", 9n, { ...on("new"), encrypted: true })],
  ["was changed earlier", storedTenant("a", 9n, on("new"), { updateTime: NOW - 1 })],
  ["has a lower generation", storedTenant("a", 5n, on("new"))],
  ["has the same generation, of another time", storedTenant("a", 7n, on("new"), { updateTime: NOW + 1 })],
];

test.each(OTHERS)("of a row that %s nothing that is held serves on, ready or not", async (_, row) => {
  const { holding, registry, use, disposed } = scene();
  await use(storedTenant("a", 7n, on("old")));
  const health = { health: "pending", reason: "", since: NOW } as const;
  const validator = { kind: "http", url: "https://validator.example/" } as const;
  holding.hold({ ...row, health, registration: { ...row.registration, validator } });
  expect(disposed).toEqual(["a:old"]);
  expect(registry.state("a")).toMatchObject({ phase: "cold", candidate: null, health });
  expect((await registry.resolve("a"))?.runtime).toBe("a:new");
});

test("what was unregistered is gone, and what was registered later is not", async () => {
  const { holding, registry, use, disposed } = scene();
  await use(storedTenant("a", 7n));
  holding.unregistered("a", 6n);
  expect(registry.state("a")?.generation).toBe(7n);
  holding.unregistered("a", 8n);
  holding.unregistered("nobody", 9n);
  expect(registry.state("a")).toBeNull();
  expect(disposed).toEqual(["a:"]);
});

test("tenants that nobody has entered for ten minutes are let go of, but eager ones are not", async () => {
  const { clock, registry, use, holding, disposed } = scene();
  for (const id of ["idle", "used"]) await use(storedTenant(id, 1n));
  await use(storedTenant("eager", 1n, { eager: true }));
  await clock.advance(599_000);
  await registry.resolve("used");
  holding.tidy();
  expect(registry.size).toBe(3);
  await clock.advance(1_000);
  holding.tidy();
  expect(registry.snapshot().map(({ id }) => id)).toEqual(["used", "eager"]);
  expect(disposed).toEqual(["idle:"]);
});

test("when too many are held the longest idle go first, and those in use stay", async () => {
  const { clock, registry, use } = scene(4);
  await use(storedTenant("oldest", 1n));
  await clock.advance(100_000);
  for (const id of ["b", "c", "d"]) await use(storedTenant(id, 1n));
  await use(storedTenant("new", 1n));
  expect(registry.snapshot().map(({ id }) => id)).toEqual(["b", "c", "d", "new"]);
  await expect(use(storedTenant("more", 1n))).rejects.toMatchObject({ code: "OVERLOADED", retryAfterMs: 1_000 });
  expect(await use(storedTenant("eager", 1n, { eager: true }))).toBe("eager:");
  await clock.advance(2_000);
  expect(await use(storedTenant("more", 1n))).toBe("more:");
});
