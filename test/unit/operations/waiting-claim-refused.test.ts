import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { TenantRuntime } from "../../../src/tenants/runtime.ts";
import { fingerprintOf, POLICY } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import { createClaimScene, type WaitingCall } from "./waiting-claim-scene.ts";

const told = (calls: readonly WaitingCall[]) => calls.map((call) => call.told);

describe("a promoted claim that is not let through", () => {
  test("is answered so, and the next one goes: a refusal of the server", async () => {
    const scene = createClaimScene();
    const { here, hold, end } = scene;
    const proof = await hold();
    const calls = [await here.claim("a"), await here.claim("b"), await here.claim("c")];
    here.refusal = new Fault("QUOTA_LEASES", "too many leases");
    const stop = here.calls.stop("after", "claim");
    await end(proof, "not-started");
    await stop.reached;
    here.refusal = null;
    stop.go();
    await settled();
    expect(told(calls)).toEqual(["QUOTA_LEASES", "acquired retry", null]);
  });

  test("and all of them are, one after the other, when the tenant was disabled meanwhile; what has ended is replayed", async () => {
    const scene = createClaimScene();
    const { here, hold, end, record } = scene;
    const proof = await hold();
    const calls = [await here.claim("a"), await here.claim("b")];
    here.tenant = { ...here.tenant, health: "disabled" };
    await end(proof, "not-started");
    expect(told(calls)).toEqual(["TENANT_DISABLED", "TENANT_DISABLED"]);
    expect(here.hub.status()).toEqual({ calls: 0, waiters: 0, keys: 0 });
    expect((await record())?.state).toBe("available");
  });

  test.each<[string, (runtime: TenantRuntime) => Partial<TenantRuntime>]>([
    ["another cluster", ({ store }) => ({ store: { ...store } })],
    ["other fingerprints", () => ({ fingerprint: () => fingerprintOf("sealed") })],
  ])("acquires nothing when its tenant was registered anew meanwhile, with %s", async (_, change) => {
    const scene = createClaimScene();
    const { here, hold, end, record } = scene;
    const proof = await hold();
    const call = await here.claim("a");
    here.runtime = { ...here.runtime, ...change(here.runtime) };
    await end(proof, "not-started");
    expect(call.told).toBe("STORE_UNAVAILABLE");
    expect((await record())?.state).toBe("available");
  });

  test("acquires though its tenant's limits have changed meanwhile", async () => {
    const scene = createClaimScene();
    const { here, hold, end } = scene;
    const proof = await hold();
    const call = await here.claim("a");
    here.runtime = { ...here.runtime };
    await end(proof, "not-started");
    expect(call.told).toBe("acquired retry");
  });

  test("does not stop those who wait for a record that then ends", async () => {
    const scene = createClaimScene();
    const { here, hold, end } = scene;
    const proof = await hold();
    const calls = [await here.claim("a"), await here.claim("b")];
    here.tenant = { ...here.tenant, health: "disabled" };
    await end(proof, "complete");
    expect(told(calls)).toEqual(["completed", "completed"]);
  });

  test("settles the record when the attempts are used up, and all are told that it failed", async () => {
    const scene = createClaimScene();
    const { here, hold, clock } = scene;
    const policy = { ...POLICY, maxAttempts: 1 };
    await hold({ policy });
    const calls = [
      await here.claim("a", { policy, waitMs: 60_000 }),
      await here.claim("b", { policy, waitMs: 60_000 }),
    ];
    await clock.advance(30_050);
    expect(told(calls)).toEqual(["failed", "failed"]);
    expect(here.calls.counts.claim).toBe(3);
    expect(here.counts.promoted).toBe(0);
  });

  test("whose deadline passed meanwhile is answered so, and the next one goes", async () => {
    const scene = createClaimScene();
    const { here, hold, end } = scene;
    const proof = await hold();
    const calls = [await here.claim("a"), await here.claim("b")];
    const stop = here.calls.stop("before", "claim");
    await end(proof, "not-started");
    stop.fail(new Fault("DEADLINE_EXCEEDED", "too late"));
    await settled();
    expect(told(calls)).toEqual(["DEADLINE_EXCEEDED", "acquired retry"]);
  });
});
