import { describe, expect, test } from "vitest";
import { settled } from "../../store/manual-clock.ts";
import { createScene, HTTP, hostsOf, outcomeOf, registrationOf, type Scene, stateOf } from "./scene.ts";

const old = registrationOf("acme", { ...hostsOf("old.example"), validator: HTTP });
const changed = { ...old, ...hostsOf("new.example"), displayName: "Acme" };

/** What calls see: the runtime under the id and under each host. */
async function seen({ registry }: Scene) {
  const [byId, byOld, byNew] = await Promise.all([
    registry.resolve("acme"),
    registry.resolveHost("old.example", "/"),
    registry.resolveHost("new.example", "/"),
  ]);
  return [byId, byOld, byNew].map((resolved) => resolved?.runtime?.name ?? null);
}

const OLD = ["acme#1", "acme#1", null];
const NEW = ["acme#2", null, "acme#2"];

describe.each(["eager", "lazy"])("a changed registration, %s, of a tenant that is built", (way) => {
  async function replacing(scene: Scene, health?: "healthy" | "unverified" | "disabled") {
    await scene.serving(old);
    const options = health === undefined ? {} : { health: stateOf(health) };
    if (way === "eager") void scene.registry.register(changed, options);
    else scene.registry.registerLazy(changed, options);
  }

  test("leaves the old one serving until the new one is built and accepted, then everything changes at once", async () => {
    const scene = createScene();
    await replacing(scene);
    expect(await seen(scene)).toEqual(OLD);
    await scene.build().succeed();
    expect(await seen(scene)).toEqual(OLD);
    expect((await scene.registry.resolve("acme"))?.tenant).toMatchObject({ displayName: "acme", generation: 1n });
    expect(scene.registry.findHost("new.example", "/")).toBeNull();
    expect(scene.disposed).toEqual([]);
    await scene.validation().succeed();
    expect(await seen(scene)).toEqual(NEW);
    expect((await scene.registry.resolve("acme"))?.tenant).toMatchObject({ displayName: "Acme", generation: 2n });
    expect(scene.disposed).toEqual(["acme#1"]);
    expect(scene.registry.state("acme")?.candidate).toBeNull();
  });

  test.each(["healthy", "unverified", "disabled"] as const)(
    "is not validated when it is %s already",
    async (health) => {
      const scene = createScene();
      await replacing(scene, health);
      await scene.build().succeed();
      expect(scene.validations).toEqual([]);
      expect(await seen(scene)).toEqual(NEW);
      expect(scene.registry.health("acme")?.health).toBe(health);
    },
  );

  test("leaves the old one serving when it is refused, until a recheck accepts it", async () => {
    const scene = createScene();
    await replacing(scene);
    await scene.build().succeed();
    await scene.validation().succeed({ kind: "refused", reason: "no" });
    expect(await seen(scene)).toEqual(OLD);
    expect(scene.registry.state("acme")).toMatchObject({
      generation: 1n,
      health: { health: "healthy" },
      candidate: { generation: 2n, phase: "built", health: { health: "disabled", reason: "no" } },
    });
    const recheck = scene.registry.recheck("acme");
    await settled();
    await scene.validation().succeed();
    expect((await recheck).health).toBe("healthy");
    expect(await seen(scene)).toEqual(NEW);
  });

  test("leaves the old one serving when its build fails, until a recheck builds it", async () => {
    const scene = createScene();
    await replacing(scene, "healthy");
    await scene.build().fail(new Error("no"));
    expect(await seen(scene)).toEqual(OLD);
    expect(scene.registry.state("acme")?.candidate).toMatchObject({ phase: "failed", health: { health: "disabled" } });
    expect(scene.builds).toHaveLength(2);
    const recheck = scene.registry.recheck("acme");
    await scene.build().succeed();
    expect(await seen(scene)).toEqual(["acme#3", null, "acme#3"]);
    await scene.validation().succeed();
    expect((await recheck).health).toBe("healthy");
  });

  test("is built again by a later call, after a while, when its build failed for a reason that passes", async () => {
    const scene = createScene({ isPassing: () => true });
    await replacing(scene, "healthy");
    await scene.build().fail(new Error("away"));
    expect(await seen(scene)).toEqual(OLD);
    expect(scene.builds).toHaveLength(2);
    await scene.clock.advance(1_000);
    expect(await seen(scene)).toEqual(OLD);
    expect(scene.builds).toHaveLength(3);
    await scene.build().succeed();
    expect(await seen(scene)).toEqual(["acme#3", null, "acme#3"]);
  });

  test("is dropped for a newer one, built or not", async () => {
    for (const isBuilt of [true, false]) {
      const scene = createScene();
      await replacing(scene);
      const candidate = scene.build();
      if (isBuilt) await candidate.succeed();
      void scene.registry.register({ ...old, displayName: "Newest" }, { health: stateOf("healthy") });
      expect(candidate.signal.aborted).toBe(true);
      if (!isBuilt) await candidate.succeed();
      expect(scene.disposed).toEqual(["acme#2"]);
      await scene.build().succeed();
      expect((await scene.registry.resolve("acme"))?.tenant).toMatchObject({ displayName: "Newest", generation: 3n });
      expect(await seen(scene)).toEqual(["acme#3", "acme#3", null]);
      expect(scene.disposed).toEqual(["acme#2", "acme#1"]);
    }
  });

  test("goes with the tenant when that is unregistered", async () => {
    const scene = createScene();
    await replacing(scene);
    scene.registry.unregister("acme");
    await scene.build().succeed();
    expect(scene.disposed).toEqual(["acme#1", "acme#2"]);
    expect(await seen(scene)).toEqual([null, null, null]);
    expect(scene.registry.size).toBe(0);
    scene.registry.registerLazy(registrationOf("other", hostsOf("old.example", "new.example")));
    expect(scene.registry.findHost("new.example", "/")).toBe("other");
  });

  test("keeps its host from others before it serves", async () => {
    const scene = createScene();
    await replacing(scene);
    expect(() => scene.registry.registerLazy(registrationOf("other", hostsOf("new.example")))).toThrow("new.example");
    expect(scene.registry.state("other")).toBeNull();
  });

  test("gives its old host to whoever registers it, at once", async () => {
    const scene = createScene();
    await replacing(scene);
    scene.registry.registerLazy(registrationOf("other", hostsOf("old.example")));
    expect(scene.registry.findHost("old.example", "/")).toBe("other");
    expect(await outcomeOf(scene.registry.resolve("acme"))).toMatchObject({ runtime: { name: "acme#1" } });
    scene.registry.unregister("acme");
    expect(scene.registry.findHost("old.example", "/")).toBe("other");
  });

  test("takes its old host back at once from whoever had it meanwhile", async () => {
    const scene = createScene();
    await replacing(scene);
    scene.registry.registerLazy(registrationOf("other", hostsOf("old.example")));
    scene.registry.registerLazy(registrationOf("other"));
    expect(scene.registry.findHost("old.example", "/")).toBeNull();
    scene.registry.registerLazy({ ...old, displayName: "Back" });
    expect(await seen(scene)).toEqual(OLD);
    await scene.build().succeed();
    await scene.validation().succeed();
    expect(await seen(scene)).toEqual(["acme#3", "acme#3", null]);
  });

  test("takes over when another server has accepted it", async () => {
    const scene = createScene();
    await replacing(scene);
    await scene.build().succeed();
    expect(scene.registry.observe("acme", 2n, stateOf("unverified", 9_999), true)).toBe(true);
    expect(await seen(scene)).toEqual(NEW);
    expect((await scene.registry.resolve("acme"))?.tenant).toMatchObject({ health: "unverified", draining: true });
    await scene.validation().succeed({ kind: "uncertain", reason: "too late" });
    expect(scene.registry.health("acme")).toMatchObject({ health: "unverified", reason: "" });
  });
});

describe("a changed registration", () => {
  test.each(["cold", "building", "failed"])("simply replaces one that is %s", async (phase) => {
    const scene = createScene();
    scene.registry.registerLazy(old, { health: stateOf("healthy") });
    if (phase !== "cold") void scene.registry.resolve("acme");
    await settled();
    if (phase === "failed") await scene.build().fail(new Error("no"));
    scene.registry.registerLazy(changed, { health: stateOf("healthy") });
    expect(scene.registry.findHost("old.example", "/")).toBeNull();
    expect(scene.registry.findHost("new.example", "/")).toBe("acme");
    const resolving = scene.registry.resolve("acme");
    await settled();
    await scene.build().succeed();
    expect((await resolving)?.tenant).toMatchObject({ generation: 2n, health: "healthy" });
  });

  test.each([{ placement: "eu" }, { encrypted: true }])(
    "with %j lets nothing of the old one serve on",
    async (fixed) => {
      const scene = createScene();
      await scene.serving(old);
      scene.registry.registerLazy(changed, { health: stateOf("healthy") });
      const candidate = scene.build();
      scene.registry.registerLazy({ ...changed, ...fixed });
      expect(scene.disposed).toEqual(["acme#1"]);
      expect(candidate.signal.aborted).toBe(true);
      expect(scene.registry.state("acme")).toMatchObject({ generation: 3n, phase: "cold", candidate: null });
      const resolving = scene.registry.resolve("acme");
      await settled();
      await scene.build().succeed();
      expect((await resolving)?.tenant).toMatchObject({ generation: 3n, health: "pending" });
      expect(await seen(scene)).toEqual(["acme#3", null, "acme#3"]);
    },
  );

  test("does not end a drain, unless it says so", async () => {
    const scene = createScene();
    await scene.serving(old);
    scene.registry.drain("acme", true);
    scene.registry.registerLazy(changed, { health: stateOf("healthy") });
    await scene.build().succeed();
    expect((await scene.registry.resolve("acme"))?.tenant).toMatchObject({ generation: 2n, draining: true });
    scene.registry.registerLazy(old, { health: stateOf("healthy"), draining: false });
    expect((await scene.registry.resolve("acme"))?.tenant).toMatchObject({ generation: 2n, draining: false });
  });

  test("that names a host of another tenant changes nothing", async () => {
    const scene = createScene();
    await scene.serving(old);
    scene.registry.registerLazy(registrationOf("other", hostsOf("taken.example/a")));
    const before = scene.registry.snapshot();
    const wanted = { ...old, ...hostsOf("free.example", "taken.example/a") };
    await expect(scene.registry.register(wanted)).rejects.toMatchObject({
      code: "HOST_TAKEN",
      message: expect.stringContaining("taken.example/a"),
    });
    expect(scene.registry.snapshot()).toEqual(before);
    expect(scene.registry.findHost("free.example", "/")).toBeNull();
    scene.registry.registerLazy(registrationOf("third", hostsOf("free.example")));
    expect(await seen(scene)).toEqual(OLD);
  });
});
