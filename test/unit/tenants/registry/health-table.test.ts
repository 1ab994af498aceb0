import { describe, expect, test } from "vitest";
import type { Verdict } from "../../../../src/domain/registration.ts";
import type { TenantHealth } from "../../../../src/domain/tenant.ts";
import { cellsOf } from "../../../support/table.ts";
import { settled } from "../../store/manual-clock.ts";
import { createScene, HTTP, outcomeOf, registrationOf, type Scene, stateOf } from "./scene.ts";

/**
 * What is seen of a tenant after each event. An arrow: at first, and when everything has ended well. "+ error": it
 * reaches whoever asked.
 */
const TABLE = `
  health     | accepted | refused    | uncertain  | throws             | build failed
  pending    | healthy  | disabled   | pending    | pending + error    | disabled, nothing built
  healthy    | healthy  | unverified | unverified | unverified + error | disabled, nothing built
  unverified | healthy  | disabled   | unverified | unverified + error | disabled, nothing built
  disabled   | healthy  | disabled   | disabled   | disabled + error   | disabled, nothing built
`;

const REGISTERED_TABLE = `
  health     | re-registered         | drained              | undrained  | unregistered | recheck unbuilt
  pending    | pending 1 → healthy 2    | pending, draining    | pending    | gone         | pending → healthy
  healthy    | healthy 1 → healthy 2    | healthy, draining    | healthy    | gone         | healthy → healthy
  unverified | unverified 1 → healthy 2 | unverified, draining | unverified | gone         | unverified → healthy
  disabled   | disabled 1 → healthy 2   | disabled, draining   | disabled   | gone         | disabled → healthy
`;

const tenant = registrationOf("acme", { validator: HTTP });

type Event = (scene: Scene, health: TenantHealth) => Promise<string>;

const EVENTS: Readonly<Record<string, Event>> = {
  accepted: judged({ kind: "accepted" }),
  refused: judged({ kind: "refused", reason: "no" }),
  uncertain: judged({ kind: "uncertain", reason: "who knows" }),
  throws: async (scene, health) => {
    await scene.serving(tenant, stateOf(health));
    const recheck = Promise.allSettled([scene.registry.recheck("acme")]);
    await settled();
    const error = new Error("driver text");
    await scene.validation().fail(error);
    expect(await recheck).toEqual([{ status: "rejected", reason: error }]);
    return `${scene.registry.health("acme")?.health} + error`;
  },
  "build failed": async (scene, health) => {
    scene.registry.registerLazy(tenant, { health: stateOf(health) });
    const resolving = scene.registry.resolve("acme");
    await scene.build().fail(new Error("driver text"));
    const resolved = await resolving;
    expect(resolved?.tenant.healthReason).toBe("this server could not build the tenant");
    return `${resolved?.tenant.health}, ${resolved?.runtime === null ? "nothing built" : "built"}`;
  },
  "re-registered": async (scene, health) => {
    await scene.serving(tenant, stateOf(health));
    void scene.registry.register({ ...tenant, displayName: "Acme" });
    const first = await seen(scene);
    await scene.build().succeed();
    await scene.validation().succeed();
    return `${first} → ${await seen(scene)}`;
  },
  drained: async (scene, health) => {
    await scene.serving(tenant, stateOf(health));
    expect(scene.registry.drain("acme", true)).toBe(true);
    const resolved = await scene.registry.resolve("acme");
    expect(scene.registry.health("acme")?.health).toBe(resolved?.tenant.health);
    return `${resolved?.tenant.health}${resolved?.tenant.draining ? ", draining" : ""}`;
  },
  undrained: async (scene, health) => {
    await scene.serving(tenant, stateOf(health));
    scene.registry.drain("acme", true);
    await scene.registry.resolve("acme");
    scene.registry.drain("acme", false);
    const resolved = await scene.registry.resolve("acme");
    return `${resolved?.tenant.health}${resolved?.tenant.draining ? ", draining" : ""}`;
  },
  unregistered: async (scene, health) => {
    await scene.serving(tenant, stateOf(health));
    scene.registry.unregister("acme");
    expect(scene.disposed).toEqual(["acme#1"]);
    const resolved = await scene.registry.resolve("acme");
    return resolved === null && scene.registry.health("acme") === null ? "gone" : "there";
  },
  "recheck unbuilt": async (scene, health) => {
    scene.registry.registerLazy(tenant, { health: stateOf(health) });
    const recheck = scene.registry.recheck("acme");
    expect(await outcomeOf(recheck)).toBe("waiting");
    expect(scene.validations).toHaveLength(0);
    const first = scene.registry.health("acme")?.health;
    await scene.build().succeed();
    await scene.validation().succeed();
    return `${first} → ${(await recheck).health}`;
  },
};

function judged(verdict: Verdict): Event {
  return async (scene, health) => {
    await scene.serving(tenant, stateOf(health));
    const recheck = scene.registry.recheck("acme");
    await settled();
    await scene.validation().succeed(verdict);
    const said = await recheck;
    expect(scene.registry.health("acme")).toEqual(said);
    return said.health;
  };
}

async function seen({ registry }: Scene): Promise<string> {
  const resolved = await registry.resolve("acme");
  return `${resolved?.tenant.health} ${resolved?.tenant.generation}`;
}

describe.each([
  ["a verdict", TABLE],
  ["an operator", REGISTERED_TABLE],
])("%s", (_, table) => {
  test.each(cellsOf(table))("makes of $row, $column: $expected", async ({ row, column, expected }) => {
    expect(await EVENTS[column]?.(createScene(), row as TenantHealth)).toBe(expected);
  });
});
