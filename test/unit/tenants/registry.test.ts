import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { Resolved } from "../../../src/tenants/registry/deps.ts";
import type { TenantRuntime } from "../../../src/tenants/runtime.ts";
import type { Entered } from "../../../src/tenants/tenants.ts";
import { settled } from "../store/manual-clock.ts";
import { createScene, HTTP, hostsOf, outcomeOf, registrationOf, stateOf } from "./registry/scene.ts";

const tenant = registrationOf("acme", hostsOf("acme.example"));

describe("resolving", () => {
  test("answers with the same object as long as nothing changes, by id, host or issuer", async () => {
    const issuers = [{ issuer: "https://issuer.example", subject: "", audience: "", jwksUrl: "" }];
    const scene = createScene();
    await scene.serving({ ...tenant, issuers });
    const { registry } = scene;
    const first = registry.resolve("acme");
    expect([
      registry.resolve("acme"),
      registry.resolveHost("acme.example", "/a"),
      registry.resolveIssuer("https://issuer.example", "build"),
    ]).toEqual([first, first, first]);
    expect(registry.resolve("acme")).toBe(first);
    const resolved = await first;
    expect([Object.isFrozen(resolved), Object.isFrozen(resolved?.tenant)]).toEqual([true, true]);
    registry.drain("acme", true);
    expect(await registry.resolve("acme")).toMatchObject({ tenant: { draining: true } });
    expect(resolved).toMatchObject({ tenant: { draining: false } });
  });

  test("finds nobody under what is not registered, and builds nothing to tell", async () => {
    const { registry, builds } = createScene();
    registry.registerLazy(tenant);
    for (const call of [
      registry.resolve("other"),
      registry.resolve("toString"),
      registry.resolveHost("other.example", ""),
      registry.resolveIssuer("https://issuer.example", ""),
    ]) {
      expect(await call).toBeNull();
    }
    expect(registry.findHost("acme.example", "/")).toBe("acme");
    expect(registry.findIssuer("https://issuer.example", "")).toBeNull();
    expect(builds).toEqual([]);
  });

  test("gives the tenant as it was registered", async () => {
    const scene = createScene();
    await scene.serving({ ...tenant, displayName: "Acme" }, stateOf("unverified", 42, "late"));
    expect((await scene.registry.resolve("acme"))?.tenant).toEqual({
      id: "acme",
      displayName: "Acme",
      health: "unverified",
      healthReason: "late",
      healthSince: 42,
      draining: false,
      serveStates: tenant.serveStates,
      limits: tenant.limits,
      policy: tenant.policy,
      generation: 1n,
    });
  });

  test("answers with what operations enter", () => {
    expectTypeOf<Resolved<TenantRuntime>>().toExtend<Entered>();
  });
});

describe("registering", () => {
  test("builds an eager tenant at once and a lazy one with its first call", async () => {
    const { registry, builds } = createScene();
    expect(await registry.register(tenant)).toMatchObject({ id: "acme", generation: 1n, isNew: true });
    registry.registerLazy(registrationOf("lazy"));
    expect(builds.map(({ registration }) => registration.id)).toEqual(["acme"]);
    void registry.resolve("lazy");
    expect(builds.map(({ registration }) => registration.id)).toEqual(["acme", "lazy"]);
  });

  test("builds only so many eager tenants at once, and at once those that somebody waits for", async () => {
    const { registry, builds } = createScene({ limits: { retryMs: 1, retryMsMax: 1, backgroundMax: 2 } });
    for (const id of ["a", "b", "c", "d", "e"]) void registry.register(registrationOf(id));
    const built = () => builds.map(({ registration }) => registration.id).join("");
    expect(built()).toBe("ab");
    void registry.resolve("d");
    expect(built()).toBe("abd");
    await builds[0]?.succeed();
    expect(built()).toBe("abd");
    await builds[1]?.succeed();
    expect(built()).toBe("abdc");
    registry.unregister("e");
    await builds[2]?.succeed();
    await builds[3]?.fail(new Error("no"));
    expect(built()).toBe("abdc");
    void registry.register(registrationOf("f"), { awaitFirstValidation: true });
    expect(built()).toBe("abdcf");
  });

  test("again leaves a tenant that is to be built its place", async () => {
    const { registry, builds } = createScene({ limits: { retryMs: 1, retryMsMax: 1, backgroundMax: 1 } });
    for (const id of ["a", "b", "c", "b"]) void registry.register(registrationOf(id));
    for (const turn of [0, 1, 2]) await builds[turn]?.succeed();
    expect(builds.map(({ registration }) => registration.id)).toEqual(["a", "b", "c"]);
  });

  test.each(["generation", "content"])("the same %s again changes nothing but health and flag", async (by) => {
    const generation = by === "generation" ? { generation: 3n } : {};
    const scene = createScene();
    scene.registry.registerLazy(tenant, generation);
    const again = await scene.registry.register(structuredClone(tenant), {
      ...generation,
      health: stateOf("unverified", 5_000),
      draining: true,
    });
    expect(again).toMatchObject({ isNew: false, health: { health: "unverified" } });
    await scene.build().succeed();
    const resolved = await scene.registry.resolve("acme");
    expect(resolved?.tenant).toMatchObject({ health: "unverified", draining: true, generation: again.generation });
    scene.registry.registerLazy(tenant, generation);
    expect(await scene.registry.resolve("acme")).toBe(resolved);
    expect(scene.builds).toHaveLength(1);
  });

  test("a tenant whose build failed is tried anew when it is registered again, but not under its generation", async () => {
    const scene = createScene();
    void scene.registry.register(tenant, { generation: 3n });
    await scene.build().fail(new Error("no"));
    await scene.registry.register(tenant, { generation: 3n });
    expect(scene.builds).toHaveLength(1);
    expect(await scene.registry.register(tenant)).toMatchObject({ generation: 4n, isNew: true });
    await scene.build().succeed();
    expect((await scene.registry.resolve("acme"))?.tenant.health).toBe("healthy");
  });

  test("what is older than what is held is ignored", async () => {
    const { registry } = createScene();
    registry.registerLazy(tenant, { generation: 7n });
    const late = registry.registerLazy(
      { ...tenant, hosts: [] },
      { generation: 6n, health: stateOf("disabled", 9_000), draining: true },
    );
    expect(late).toMatchObject({ generation: 7n, isNew: false });
    expect(registry.state("acme")).toMatchObject({ generation: 7n, draining: false, health: { health: "healthy" } });
    expect(registry.findHost("acme.example", "")).toBe("acme");
  });

  test("counts generations that never come again", () => {
    const { registry } = createScene();
    expect(registry.registerLazy(tenant).generation).toBe(1n);
    expect(registry.registerLazy({ ...tenant, displayName: "Acme" }).generation).toBe(2n);
    registry.unregister("acme");
    expect(registry.registerLazy(tenant).generation).toBe(3n);
    registry.registerLazy(registrationOf("other"), { generation: 10n });
    expect(registry.registerLazy(registrationOf("third")).generation).toBe(11n);
  });

  test("a host of another tenant is an error that names it, and nothing is registered", async () => {
    const { registry } = createScene();
    registry.registerLazy(tenant);
    const other = registrationOf("other", hostsOf("free.example", "acme.example"));
    await expect(registry.register(other)).rejects.toMatchObject({
      code: "HOST_TAKEN",
      message: expect.stringMatching(/acme\.example(?!.*acme\b)/),
    });
    expect(registry.size).toBe(1);
    expect(registry.findHost("free.example", "")).toBeNull();
    registry.unregister("other");
    expect(registry.findHost("acme.example", "")).toBe("acme");
  });

  test("throws to who waits what passes, and has registered all the same", async () => {
    const { registry, builds } = createScene({ isPassing: () => true });
    const registering = Promise.allSettled([registry.register(tenant, { awaitFirstValidation: true })]);
    await builds[0]?.fail(new Error("away"));
    expect(await registering).toEqual([{ status: "rejected", reason: new Error("away") }]);
    expect(registry.state("acme")).toMatchObject({ phase: "cold" });
  });
});

describe("what is unknown", () => {
  test("cannot be unregistered, drained or rechecked", async () => {
    const { registry } = createScene();
    expect([registry.unregister("acme"), registry.drain("acme", true)]).toEqual([false, false]);
    expect([registry.health("acme"), registry.state("acme")]).toEqual([null, null]);
    await expect(registry.recheck("acme")).rejects.toMatchObject({ code: "TENANT_NOT_FOUND" });
  });
});

describe("forgetting the idle", () => {
  test("lets go of lazy tenants that nobody has resolved for so long, and of nobody else", async () => {
    const scene = createScene();
    await scene.serving(registrationOf("eager"));
    for (const id of ["cold", "idle", "used"])
      scene.registry.registerLazy(registrationOf(id, hostsOf(`${id}.example`)));
    void scene.registry.resolve("idle");
    await scene.build().succeed();
    void scene.registry.resolve("used");
    await scene.build().succeed();
    await scene.clock.advance(999);
    await scene.registry.resolve("used");
    expect(scene.registry.forgetIdle(1_000)).toEqual([]);
    await scene.clock.advance(1);
    expect(scene.registry.forgetIdle(1_000)).toEqual(["cold", "idle"]);
    expect(scene.disposed).toEqual(["idle#2"]);
    expect(scene.registry.snapshot().map(({ id }) => id)).toEqual(["eager", "used"]);
    expect(scene.registry.findHost("idle.example", "")).toBeNull();
  });

  test("waits for what is under way", async () => {
    const scene = createScene();
    scene.registry.registerLazy(registrationOf("acme", { validator: HTTP }));
    const call = scene.registry.resolve("acme");
    await scene.clock.advance(10_000);
    expect(scene.registry.forgetIdle(1)).toEqual([]);
    await scene.build().succeed();
    await call;
    await scene.clock.advance(10_000);
    expect(scene.registry.forgetIdle(1)).toEqual([]);
    await scene.validation().succeed();
    expect(scene.registry.forgetIdle(1)).toEqual(["acme"]);
  });
});

describe("closing", () => {
  test("disposes of everything once and refuses everything afterwards", async () => {
    const scene = createScene();
    await scene.serving(tenant);
    void scene.registry.register({ ...tenant, displayName: "Acme" });
    void scene.registry.register(registrationOf("other"));
    scene.registry.close();
    scene.registry.close();
    for (const build of scene.builds.slice(1)) await build.succeed();
    expect(scene.disposed).toEqual(["acme#1", "acme#2", "other#3"]);
    const draining = { code: "DRAINING" };
    await expect(scene.registry.resolve("acme")).rejects.toMatchObject(draining);
    await expect(scene.registry.register(tenant)).rejects.toMatchObject(draining);
    await expect(scene.registry.recheck("acme")).rejects.toMatchObject(draining);
    expect(() => scene.registry.registerLazy(tenant)).toThrow(expect.objectContaining(draining));
    expect(scene.registry.size).toBe(0);
  });
});

describe("a crowd", () => {
  const TENANTS = 100_000;

  test("of lazy tenants builds nothing and holds little", async () => {
    const { registry, builds, validations } = createScene();
    const registrations = Array.from({ length: TENANTS }, (_, i) =>
      registrationOf(`tenant-${i}`, { ...hostsOf(`tenant-${i}.example`), validator: HTTP }),
    );
    const beforeBytes = heldBytes();
    for (const registration of registrations) registry.registerLazy(registration);
    // Some 60 MB; the bound leaves room for what else the process does.
    expect(heldBytes() - beforeBytes).toBeLessThan(100e6);
    await settled();
    expect([registry.size, builds.length, validations.length]).toEqual([TENANTS, 0, 0]);
    expect(registry.findHost("tenant-99999.example", "/")).toBe("tenant-99999");
    expect(registry.forgetIdle(0)).toHaveLength(TENANTS);
    expect(registry.size).toBe(0);
  });

  test("of calls by host and id together builds once", async () => {
    const { registry, builds } = createScene();
    registry.registerLazy(tenant);
    const calls = Array.from({ length: 1_000 }, (_, i) =>
      i % 2 === 0 ? registry.resolve("acme") : registry.resolveHost("acme.example", `/${i}`),
    );
    expect(await outcomeOf(Promise.all(calls))).toBe("waiting");
    await builds[0]?.succeed();
    expect(new Set(await Promise.all(calls)).size).toBe(1);
    expect(builds).toHaveLength(1);
  });
});

/** Without garbage. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
