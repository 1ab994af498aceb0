import { describe, expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { settled } from "../../store/manual-clock.ts";
import { createScene, HTTP, outcomeOf, registrationOf, type Scene, stateOf } from "./scene.ts";

const tenant = registrationOf("acme", { validator: HTTP });
const UNCERTAIN = { kind: "uncertain", reason: "who knows" } as const;

/** Built, its first validation under way. */
async function pendingTenant(scene: Scene) {
  void scene.registry.register(tenant);
  await scene.build().succeed();
}

async function healthSeen({ registry }: Scene) {
  const resolved = await registry.resolve("acme");
  await settled();
  return resolved?.tenant.health;
}

describe("a pending tenant", () => {
  test("is validated once it is built, and resolved meanwhile", async () => {
    const scene = createScene();
    scene.registry.registerLazy(tenant);
    const call = scene.registry.resolve("acme");
    await scene.build().succeed();
    expect(await call).toMatchObject({ tenant: { health: "pending" }, runtime: { name: "acme#1" } });
    expect(scene.validations).toHaveLength(1);
    await scene.validation().succeed();
    expect(await healthSeen(scene)).toBe("healthy");
    expect(scene.validations).toHaveLength(1);
  });

  test("is tried again by the first resolve after a back-off that doubles up to its bound", async () => {
    const scene = createScene({ limits: { retryMs: 100, retryMsMax: 300, backgroundMax: 1 } });
    await pendingTenant(scene);
    for (const [tried, ms] of [100, 200, 300, 300].entries()) {
      await (tried % 2 === 0 ? scene.validation().succeed(UNCERTAIN) : scene.validation().fail(new Error("thrown")));
      await scene.clock.advance(ms - 1);
      expect(await healthSeen(scene)).toBe("pending");
      expect(scene.validations).toHaveLength(tried + 1);
      await scene.clock.advance(1);
      expect(scene.validations).toHaveLength(tried + 1);
      expect([await healthSeen(scene), await healthSeen(scene)]).toEqual(["pending", "pending"]);
      expect(scene.validations).toHaveLength(tried + 2);
    }
    await scene.validation().succeed();
    expect(await healthSeen(scene)).toBe("healthy");
    expect(scene.failures).toEqual([new Error("thrown"), new Error("thrown")]);
  });

  test("whose validator never answers is told of once, and once more when it is registered anew", async () => {
    const scene = createScene({ limits: { retryMs: 100, retryMsMax: 100, backgroundMax: 1 } });
    await pendingTenant(scene);
    for (let tries = 0; tries < 5; tries++) {
      await scene.validation().succeed(UNCERTAIN);
      await scene.clock.advance(100);
      await healthSeen(scene);
    }
    expect(scene.validations).toHaveLength(6);
    expect(scene.undecided).toEqual([{ id: "acme", generation: 1n, reason: "who knows" }]);
    void scene.registry.register({ ...tenant, displayName: "Acme" });
    await scene.build().succeed();
    await scene.validation().succeed(UNCERTAIN);
    expect(scene.undecided.map(({ generation }) => generation)).toEqual([1n, 2n]);
    expect([scene.transitions, scene.failures]).toEqual([[], []]);
  });

  test.each([
    ["accepts", { kind: "accepted" }],
    ["refuses", { kind: "refused", reason: "no" }],
  ] as const)("whose validator %s is told of as a transition only", async (_, verdict) => {
    const scene = createScene();
    await pendingTenant(scene);
    await scene.validation().succeed(verdict);
    expect(scene.transitions).toHaveLength(1);
    expect(scene.undecided).toEqual([]);
  });

  test("is not validated any more once another server has accepted it", async () => {
    const scene = createScene({ limits: { retryMs: 100, retryMsMax: 300, backgroundMax: 1 } });
    await pendingTenant(scene);
    await scene.validation().succeed(UNCERTAIN);
    scene.registry.observe("acme", 1n, stateOf("healthy", 9_000), false);
    await scene.clock.advance(100);
    expect(await healthSeen(scene)).toBe("healthy");
    expect(scene.validations).toHaveLength(1);
  });

  test("that was healthy in between begins with a short back-off again", async () => {
    const scene = createScene({ limits: { retryMs: 100, retryMsMax: 1_000, backgroundMax: 1 } });
    await pendingTenant(scene);
    await scene.validation().succeed(UNCERTAIN);
    await scene.clock.advance(100);
    await healthSeen(scene);
    await scene.validation().succeed();
    scene.registry.observe("acme", 1n, stateOf("pending", 9_000), false);
    await healthSeen(scene);
    await scene.validation().succeed(UNCERTAIN);
    expect(scene.validations).toHaveLength(3);
    await scene.clock.advance(100);
    await healthSeen(scene);
    expect(scene.validations).toHaveLength(4);
  });

  test("that another server has accepted while it is validated here keeps that health", async () => {
    const scene = createScene();
    await pendingTenant(scene);
    scene.registry.observe("acme", 1n, stateOf("healthy", 9_000), false);
    await scene.validation().succeed({ kind: "refused", reason: "not asked for" });
    expect(await healthSeen(scene)).toBe("healthy");
  });

  test("answers a register that waits with the verdict, whatever it is", async () => {
    for (const [verdict, health] of [
      [{ kind: "accepted" }, "healthy"],
      [{ kind: "refused", reason: "no" }, "disabled"],
      [UNCERTAIN, "pending"],
      [null, "pending"],
    ] as const) {
      const scene = createScene();
      const registering = scene.registry.register(tenant, { awaitFirstValidation: true });
      expect(await outcomeOf(registering)).toBe("waiting");
      await scene.build().succeed();
      expect(await outcomeOf(registering)).toBe("waiting");
      await (verdict === null ? scene.validation().fail(new Error("thrown")) : scene.validation().succeed(verdict));
      expect((await registering).health.health).toBe(health);
    }
  });
});

describe("a tenant without validator", () => {
  test("is healthy at once, and no call of it is served before it is built", async () => {
    const scene = createScene();
    expect(scene.registry.registerLazy(registrationOf("acme")).health.health).toBe("healthy");
    const call = scene.registry.resolve("acme");
    expect(await outcomeOf(call)).toBe("waiting");
    await scene.build().succeed();
    expect((await call)?.tenant.health).toBe("healthy");
    expect(scene.validations).toEqual([]);
  });

  test("whose build failed is healthy again when a recheck has built it, and is not built before", async () => {
    const scene = createScene();
    const registering = scene.registry.register(registrationOf("acme"), { awaitFirstValidation: true });
    await scene.build().fail(new Fault("FIELD_INVALID", "no such placement"));
    expect((await registering).health).toMatchObject({ health: "disabled", reason: "no such placement" });
    await scene.clock.advance(1e9);
    expect(await healthSeen(scene)).toBe("disabled");
    expect(scene.builds).toHaveLength(1);
    const recheck = scene.registry.recheck("acme");
    await scene.build().succeed();
    expect((await recheck).health).toBe("healthy");
    expect((await scene.registry.resolve("acme"))?.runtime).toEqual({ name: "acme#2" });
    expect(scene.transitions.map(({ event, to }) => [event, to])).toEqual([
      ["build-failed", "disabled"],
      ["built", "healthy"],
    ]);
  });

  test("is disabled when a recheck cannot build it", async () => {
    const scene = createScene();
    scene.registry.registerLazy(registrationOf("acme"));
    const recheck = scene.registry.recheck("acme");
    await scene.build().fail(new Error("no"));
    expect((await recheck).health).toBe("disabled");
  });

  test("whose recheck could not build it for a reason that passes is built by the next call", async () => {
    const away = new Fault("STORE_UNAVAILABLE", "away");
    const scene = createScene({ isPassing: (error) => error === away });
    scene.registry.registerLazy(registrationOf("acme"));
    const recheck = Promise.allSettled([scene.registry.recheck("acme")]);
    await scene.build().fail(away);
    expect(await recheck).toEqual([{ status: "rejected", reason: away }]);
    expect(scene.registry.state("acme")).toMatchObject({ phase: "cold", health: { health: "healthy" } });
    const call = scene.registry.resolve("acme");
    await scene.build().succeed();
    expect((await call)?.runtime).toEqual({ name: "acme#2" });
  });
});

describe("a change of health", () => {
  test("holds here only once it is durable, and as it was made durable", async () => {
    const scene = createScene({ withCommits: true });
    await pendingTenant(scene);
    const recheck = scene.registry.recheck("acme");
    await settled();
    await scene.validation().succeed({ kind: "accepted" });
    expect(scene.commit().change).toEqual({
      id: "acme",
      generation: 1n,
      from: "pending",
      to: "healthy",
      reason: "",
      event: { kind: "accepted" },
    });
    expect(await healthSeen(scene)).toBe("pending");
    await scene.commit().answer(stateOf("disabled", 7, "another server was first"));
    expect(await recheck).toEqual(stateOf("disabled", 7, "another server was first"));
    expect(await healthSeen(scene)).toBe("disabled");
  });

  test("does not hold when it cannot be made durable; whoever asked is told, and it is tried again", async () => {
    const scene = createScene({ withCommits: true });
    await pendingTenant(scene);
    const away = new Fault("STORE_UNAVAILABLE", "away");
    await scene.validation().succeed();
    await scene.commit().fail(away);
    expect(scene.failures).toEqual([away]);
    expect(await healthSeen(scene)).toBe("pending");
    await scene.clock.advance(1_000);
    await healthSeen(scene);
    const recheck = Promise.allSettled([scene.registry.recheck("acme")]);
    await settled();
    await scene.validation().succeed();
    await scene.commit().fail(away);
    expect(await recheck).toEqual([{ status: "rejected", reason: away }]);
    expect(scene.failures).toHaveLength(1);
    await scene.clock.advance(2_000);
    await healthSeen(scene);
    await scene.validation().succeed();
    await scene.commit().answer();
    expect(await healthSeen(scene)).toBe("healthy");
  });

  test("of a generation that is gone changes nothing", async () => {
    const scene = createScene({ withCommits: true });
    await pendingTenant(scene);
    const recheck = Promise.allSettled([scene.registry.recheck("acme")]);
    await settled();
    await scene.validation().succeed();
    await scene.commit().answer(null);
    expect(await recheck).toMatchObject([{ reason: { code: "TENANT_CHANGED" } }]);
    expect(await healthSeen(scene)).toBe("pending");
  });

  test("is not made durable when a validation that nobody asked for changes nothing", async () => {
    const scene = createScene({ withCommits: true });
    await pendingTenant(scene);
    await scene.validation().succeed(UNCERTAIN);
    await scene.commit().answer();
    await scene.clock.advance(1_000);
    await healthSeen(scene);
    await scene.validation().succeed(UNCERTAIN);
    expect(scene.commits).toHaveLength(1);
  });

  test("is asked of the database by a recheck even if it is none here, which may be behind", async () => {
    const scene = createScene({ withCommits: true });
    await scene.serving(tenant);
    const recheck = scene.registry.recheck("acme");
    await settled();
    await scene.validation().succeed();
    expect(scene.commit().change).toMatchObject({ from: "healthy", to: "healthy" });
    await scene.commit().answer();
    expect((await recheck).health).toBe("healthy");
    expect(scene.transitions).toEqual([]);
  });
});

describe("what another server has changed", () => {
  test.each([
    ["later", 3_000, "disabled"],
    ["earlier", 1, "healthy"],
  ] as const)("%s than what is just being made durable here: the later of both holds", async (_, since, expected) => {
    const scene = createScene({ withCommits: true });
    await pendingTenant(scene);
    await scene.validation().succeed();
    scene.registry.observe("acme", 1n, stateOf("disabled", since), false);
    await scene.commit().answer(stateOf("healthy", 2_000));
    expect(await healthSeen(scene)).toBe(expected);
  });

  test("is taken over without building, with the flag", () => {
    const scene = createScene();
    scene.registry.registerLazy(tenant, { generation: 4n });
    expect(scene.registry.observe("acme", 4n, stateOf("unverified", 5_000, "late"), true)).toBe(true);
    expect(scene.registry.state("acme")).toMatchObject({
      health: stateOf("unverified", 5_000, "late"),
      draining: true,
      phase: "cold",
    });
    expect(scene.builds).toEqual([]);
  });

  test("of another generation or tenant changes nothing", () => {
    const scene = createScene();
    scene.registry.registerLazy(tenant, { generation: 4n });
    const before = scene.registry.snapshot();
    for (const generation of [3n, 5n]) {
      expect(scene.registry.observe("acme", generation, stateOf("disabled", 5_000), true)).toBe(false);
    }
    expect(scene.registry.observe("other", 4n, stateOf("disabled", 5_000), true)).toBe(false);
    expect(scene.registry.snapshot()).toEqual(before);
  });

  test.each([99, 100, 101])("lifts that the tenant is disabled, whatever the clock said then", async (since) => {
    const scene = createScene();
    await scene.serving(tenant, stateOf("disabled", 100));
    scene.registry.observe("acme", 1n, stateOf("healthy", since), false);
    expect(await healthSeen(scene)).toBe("healthy");
  });

  test("does not hide that the tenant could not be built here", async () => {
    const scene = createScene();
    void scene.registry.register(tenant);
    await scene.build().fail(new Error("no"));
    scene.registry.observe("acme", 1n, stateOf("healthy", 9_000), false);
    expect(await healthSeen(scene)).toBe("disabled");
    const recheck = scene.registry.recheck("acme");
    await scene.build().succeed();
    expect(await healthSeen(scene)).toBe("healthy");
    await scene.validation().succeed();
    expect((await recheck).health).toBe("healthy");
  });

  test("back to pending is validated by the next resolve", async () => {
    const scene = createScene();
    await scene.serving(tenant);
    scene.registry.registerLazy(tenant, { generation: 1n, health: stateOf("pending", 9_000) });
    expect(scene.validations).toEqual([]);
    expect(await healthSeen(scene)).toBe("pending");
    expect(scene.validations).toHaveLength(1);
  });
});
