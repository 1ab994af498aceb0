import { describe, expect, test } from "vitest";
import { settled } from "../../store/manual-clock.ts";
import { createScene, HTTP, hostsOf, outcomeOf, registrationOf, type Scene, stateOf } from "./scene.ts";

const tenant = registrationOf("acme", { ...hostsOf("acme.example"), validator: HTTP });

/** Leaves a build of the tenant under way, and a call that waits for it. */
const WAYS = {
  eager: ({ registry }: Scene, health?: "healthy") => {
    void registry.register(tenant, health === undefined ? {} : { health: stateOf(health) });
    return registry.resolve("acme");
  },
  lazy: ({ registry }: Scene, health?: "healthy") => {
    registry.registerLazy(tenant, health === undefined ? {} : { health: stateOf(health) });
    return registry.resolve("acme");
  },
};

describe.each(Object.entries(WAYS))("while an %s tenant is built", (way, start) => {
  const again = ({ registry }: Scene) =>
    way === "eager" ? void registry.register(tenant) : void registry.registerLazy(tenant);

  test("a thousand first calls share the build", async () => {
    const scene = createScene();
    const first = start(scene);
    const calls = [first, ...Array.from({ length: 999 }, () => scene.registry.resolve("acme"))];
    await settled();
    expect(scene.builds).toHaveLength(1);
    await scene.build().succeed();
    expect(new Set(await Promise.all(calls)).size).toBe(1);
    expect(scene.builds).toHaveLength(1);
  });

  test("nobody waits for another tenant", async () => {
    const scene = createScene();
    const slow = start(scene);
    void scene.registry.register(registrationOf("other"));
    const other = scene.registry.resolve("other");
    await scene.build().succeed();
    expect((await other)?.runtime).toEqual({ name: "other#2" });
    expect(await outcomeOf(slow)).toBe("waiting");
  });

  test("unregistering leaves nothing behind, and disposes of what comes of the build", async () => {
    const scene = createScene({ withCommits: true });
    const call = start(scene);
    expect(scene.registry.unregister("acme")).toBe(true);
    expect(await call).toBeNull();
    expect(scene.build().signal.aborted).toBe(true);
    await scene.build().succeed();
    expect(scene.disposed).toEqual(["acme#1"]);
    expect(scene.registry.snapshot()).toEqual([]);
    expect(scene.registry.findHost("acme.example", "/")).toBeNull();
    expect([scene.validations, scene.commits, scene.transitions]).toEqual([[], [], []]);
  });

  test("unregistering leaves nothing behind when the build fails afterwards", async () => {
    const scene = createScene();
    const call = start(scene);
    scene.registry.unregister("acme");
    await scene.build().fail(new Error("too late"));
    expect(await call).toBeNull();
    expect(scene.registry.snapshot()).toEqual([]);
    expect([scene.disposed, scene.transitions]).toEqual([[], []]);
  });

  test("unregistering and registering again keeps the old build away from the new tenant", async () => {
    const scene = createScene();
    const call = start(scene, "healthy");
    const [old] = scene.builds;
    scene.registry.unregister("acme");
    again(scene);
    const second = scene.registry.resolve("acme");
    await settled();
    expect(scene.builds).toHaveLength(2);
    await old?.succeed();
    expect(scene.disposed).toEqual(["acme#1"]);
    expect(await outcomeOf(second)).toBe("waiting");
    await scene.build().succeed();
    expect(await second).toMatchObject({ runtime: { name: "acme#2" }, tenant: { health: "pending", generation: 2n } });
    expect(await call).toBe(await second);
  });

  test("unregistering and registering again keeps an old failure away from the new tenant", async () => {
    const scene = createScene();
    void start(scene);
    const [old] = scene.builds;
    scene.registry.unregister("acme");
    again(scene);
    const second = scene.registry.resolve("acme");
    await settled();
    await old?.fail(new Error("old"));
    expect(scene.registry.state("acme")).toMatchObject({ phase: "building", health: { health: "pending" } });
    await scene.build().succeed();
    expect((await second)?.runtime).toEqual({ name: "acme#2" });
  });

  test("the same generation registered again is another tenant all the same", async () => {
    const scene = createScene();
    scene.registry.registerLazy(tenant, { generation: 5n, health: stateOf("healthy") });
    const call = scene.registry.resolve("acme");
    scene.registry.unregister("acme");
    scene.registry.registerLazy(tenant, { generation: 5n, health: stateOf("healthy") });
    await scene.build().succeed();
    expect(scene.disposed).toEqual(["acme#1"]);
    await scene.build().succeed();
    expect((await call)?.runtime).toEqual({ name: "acme#2" });
  });

  test("a build that is cancelled leaves it cold, and the next call builds", async () => {
    const scene = createScene();
    const calls = [start(scene), scene.registry.resolve("acme")];
    const cancelled = new DOMException("cancelled", "AbortError");
    const ended = Promise.allSettled(calls);
    await scene.build().fail(cancelled);
    expect(await ended).toEqual([
      { status: "rejected", reason: cancelled },
      { status: "rejected", reason: cancelled },
    ]);
    expect(scene.registry.state("acme")).toMatchObject({ phase: "cold", health: { health: "pending" } });
    const next = scene.registry.resolve("acme");
    await settled();
    await scene.build().succeed();
    expect((await next)?.runtime).toEqual({ name: "acme#2" });
  });

  test("registering it the other way drops what was under way, and whoever waits gets the new one", async () => {
    const scene = createScene();
    const call = start(scene);
    const changed = { ...tenant, displayName: "Acme", eager: way === "lazy" };
    if (way === "lazy") void scene.registry.register(changed);
    else scene.registry.registerLazy(changed);
    await settled();
    expect(scene.builds.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    await scene.build().succeed();
    expect(await call).toMatchObject({ runtime: { name: "acme#2" }, tenant: { displayName: "Acme" } });
    await scene.builds[0]?.succeed();
    expect(scene.disposed).toEqual(["acme#1"]);
  });

  test("a call by a host waits on only as long as the host is its tenant's", async () => {
    const scene = createScene();
    void start(scene);
    const call = scene.registry.resolveHost("acme.example", "/");
    scene.registry.registerLazy({ ...tenant, hosts: [] });
    await settled();
    expect(await call).toBeNull();
  });

  test("closing ends every wait", async () => {
    const scene = createScene();
    const call = start(scene);
    scene.registry.close();
    await expect(call).rejects.toMatchObject({ code: "DRAINING" });
    await scene.build().succeed();
    expect(scene.disposed).toEqual(["acme#1"]);
  });
});

describe.each(["built", "unbuilt"])("while a tenant that is %s is rechecked", (phase) => {
  /** Leaves the validation under way. */
  async function rechecking(scene: Scene) {
    if (phase === "built") await scene.serving(tenant);
    else scene.registry.registerLazy(tenant, { health: stateOf("healthy") });
    const recheck = Promise.allSettled([scene.registry.recheck("acme")]).then(([ended]) => ended);
    await settled();
    if (phase === "unbuilt") await scene.build().succeed();
    return { recheck, validation: scene.validation() };
  }

  test("others who ask share the validation", async () => {
    const scene = createScene();
    const { recheck, validation } = await rechecking(scene);
    const others = [scene.registry.recheck("acme"), scene.registry.recheck("acme")];
    await settled();
    await validation.succeed({ kind: "refused", reason: "no" });
    expect(await Promise.all(others)).toMatchObject([{ health: "unverified" }, { health: "unverified" }]);
    expect(await recheck).toMatchObject({ value: { health: "unverified" } });
    expect(scene.validations).toHaveLength(1);
    void scene.registry.recheck("acme");
    await settled();
    expect(scene.validations).toHaveLength(2);
  });

  test("unregistering ends the wait, and nothing is written", async () => {
    const scene = createScene({ withCommits: true });
    const { recheck, validation } = await rechecking(scene);
    scene.registry.unregister("acme");
    expect(await recheck).toMatchObject({ reason: { code: "TENANT_NOT_FOUND" } });
    expect(validation.signal.aborted).toBe(true);
    await validation.succeed({ kind: "refused", reason: "no" });
    expect(scene.commits).toEqual([]);
    expect(scene.registry.snapshot()).toEqual([]);
    expect(scene.disposed).toEqual(["acme#1"]);
  });

  test("unregistering and registering again keeps the old verdict away from the new tenant", async () => {
    const scene = createScene({ withCommits: true });
    const { recheck, validation } = await rechecking(scene);
    scene.registry.unregister("acme");
    await scene.serving(tenant);
    await validation.succeed({ kind: "refused", reason: "no" });
    expect(await recheck).toMatchObject({ reason: { code: "TENANT_CHANGED" } });
    expect(scene.commits).toEqual([]);
    expect(scene.registry.health("acme")).toMatchObject({ health: "healthy" });
  });

  test("a verdict that is being made durable does not land on a tenant that was registered again", async () => {
    const scene = createScene({ withCommits: true });
    const { recheck, validation } = await rechecking(scene);
    await validation.succeed({ kind: "refused", reason: "no" });
    expect(scene.commit().change).toMatchObject({ from: "healthy", to: "unverified", generation: 1n });
    scene.registry.unregister("acme");
    await scene.serving(tenant);
    await scene.commit().answer();
    expect(await recheck).toMatchObject({ reason: { code: "TENANT_CHANGED" } });
    expect(scene.transitions).toEqual([]);
    expect(scene.registry.health("acme")).toMatchObject({ health: "healthy" });
  });

  test("another tenant is rechecked meanwhile", async () => {
    const scene = createScene();
    const { recheck } = await rechecking(scene);
    await scene.serving(registrationOf("other", { validator: HTTP }));
    const other = scene.registry.recheck("other");
    await settled();
    await scene.validation().succeed();
    expect(await other).toMatchObject({ health: "healthy" });
    expect(await Promise.race([recheck, "waiting"])).toBe("waiting");
  });
});

describe("unregistering while register waits for the first validation", () => {
  test.each(["build", "validation"])("ends the wait during the %s", async (during) => {
    const scene = createScene();
    const registering = scene.registry.register(tenant, { awaitFirstValidation: true });
    const ended = Promise.allSettled([registering]);
    if (during === "validation") await scene.build().succeed();
    scene.registry.unregister("acme");
    expect(await ended).toMatchObject([{ reason: { code: "TENANT_NOT_FOUND" } }]);
    await (during === "build" ? scene.build().succeed() : scene.validation().succeed());
    expect(scene.registry.snapshot()).toEqual([]);
    expect(scene.disposed).toEqual(["acme#1"]);
  });

  test("and registering again tells who waited that it is another tenant", async () => {
    const scene = createScene();
    const ended = Promise.allSettled([scene.registry.register(tenant, { awaitFirstValidation: true })]);
    scene.registry.unregister("acme");
    scene.registry.registerLazy(tenant);
    expect(await ended).toMatchObject([{ reason: { code: "TENANT_CHANGED" } }]);
  });
});
