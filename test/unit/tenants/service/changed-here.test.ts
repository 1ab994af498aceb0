import { describe, expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { createMemoryStore } from "../../../../src/store/memory.ts";
import { REGISTRY_LIMITS } from "../../../../src/tenants/registry/deps.ts";
import { plainRuntime, type TenantRuntime } from "../../../../src/tenants/runtime.ts";
import { createTenantService } from "../../../../src/tenants/service.ts";
import { freshToken, NOW } from "../../../support/records.ts";
import { createMemoryTenantTable } from "../../../support/tenant-table.ts";
import { waitAlone } from "../../../support/waiting.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";
import { outcomeOf } from "../registry/scene.ts";
import { storedTenant } from "./stored-tenant.ts";

const NEVER = Number.POSITIVE_INFINITY;
const BY = { actor: "api-key:test", reason: "" };

/** One server whose builds wait for the test, but for the first: it serves a tenant by the name of "old". */
async function serving() {
  const clock = createManualClock();
  let now = NOW;
  const table = createMemoryTenantTable(() => now++);
  const store = createMemoryStore({ now: () => NOW, newToken: freshToken });
  const builds: PromiseWithResolvers<TenantRuntime>[] = [];
  const service = createTenantService({
    ...{ clock, table, now: () => now, random: () => 0.5 },
    feed: { started: Promise.resolve(), subscribe: () => () => undefined },
    build() {
      const build = Promise.withResolvers<TenantRuntime>();
      builds.push(build);
      return build.promise;
    },
    dispose() {},
    validate: async () => ({ kind: "accepted" }),
    observer: { built() {}, transition() {}, undecided() {}, failed() {} },
  });
  const build = (number: number) => {
    const found = builds[number];
    if (found === undefined) throw new Error(`there is no build ${number}`);
    return found;
  };
  const succeed = (number: number) => build(number).resolve(plainRuntime(waitAlone({ store, clock })));
  const row = (displayName: string) => storedTenant("acme", 1n, { displayName }).registration;
  await table.register(row("old"), "healthy", BY);
  const scene = {
    ...{ builds, build, succeed },
    name: async () => (await service.enter("acme", NEVER))?.tenant.displayName,
    /** A call that comes when it is time to try again. */
    async later() {
      await clock.advance(REGISTRY_LIMITS.retryMs);
      await service.enter("acme", NEVER);
    },
    /** As an update through this server. */
    async change(displayName: string) {
      await table.update(row(displayName), null, null, BY);
      return service.changed("acme");
    },
  };
  return scene;
}

async function servingOld() {
  const on = await serving();
  const entered = on.name();
  await settled();
  on.succeed(0);
  expect(await entered).toBe("old");
  return on;
}

describe("a change that was made through this server", () => {
  test("holds here when that is told, and not before it is built", async () => {
    const on = await servingOld();
    const changed = on.change("new");
    expect(await outcomeOf(changed)).toBe("waiting");
    expect(await on.name()).toBe("old");
    on.succeed(1);
    await changed;
    expect(await on.name()).toBe("new");
  });

  test("waits for the one that takes its place before it is built", async () => {
    const on = await servingOld();
    const changes = Promise.all([on.change("new"), settled().then(() => on.change("newer"))]);
    expect(await outcomeOf(changes)).toBe("waiting");
    on.succeed(1);
    expect(await outcomeOf(changes)).toBe("waiting");
    expect(await on.name()).toBe("old");
    on.succeed(2);
    await changes;
    expect(await on.name()).toBe("newer");
  });

  test("is said not to hold here yet when it cannot be built for now, and holds with a later call", async () => {
    const on = await servingOld();
    const changed = on.change("new");
    const away = new Fault("STORE_UNAVAILABLE", "the database is away");
    await settled();
    on.build(1).reject(away);
    await expect(changed).rejects.toBe(away);
    expect(await on.name()).toBe("old");
    await on.later();
    on.succeed(2);
    await settled();
    expect(await on.name()).toBe("new");
  });

  test("keeps nobody waiting when it can never be built here", async () => {
    const on = await servingOld();
    const changed = on.change("new");
    await settled();
    on.build(1).reject(new Error("no such placement"));
    await changed;
    expect(on.builds.length).toBe(2);
  });

  test("builds nothing where nothing is built that it is to replace", async () => {
    const on = await serving();
    await on.change("new");
    expect(on.builds.length).toBe(0);
    const entered = on.name();
    await settled();
    on.succeed(0);
    expect(await entered).toBe("new");
  });
});
