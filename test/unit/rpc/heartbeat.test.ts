import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { flagAsItIs, NOW } from "../../support/records.ts";
import { acquire, bundle, methods, resultOf, seconds, takeOver } from "./bundle.ts";

const secondsOf = (micros: number) => BigInt(Math.floor(micros / 1e6));

describe("Heartbeat", () => {
  test("extends the lease and says what is left of it", async () => {
    const own = bundle();
    const { handle, lease } = await acquire(own);
    own.pass(20_000);
    const extended = await own.call(methods.heartbeat, { handle, lease: seconds(60) });
    expect(extended).toMatchObject({
      hasWaiters: false,
      lease: {
        handle: { key: { tenant: "default" }, fence: lease?.fence },
        attempt: 0,
        expireTime: { seconds: secondsOf(addMs(NOW, 80_000)) },
        remaining: { seconds: 60n },
        waited: { seconds: 0n },
        heartbeatInterval: { seconds: 20n },
      },
    });
  });

  test("never shortens it", async () => {
    const own = bundle();
    const { handle } = await acquire(own, { lease: seconds(600) });
    const extended = await own.call(methods.heartbeat, { handle, lease: seconds(1) });
    expect(extended.lease?.remaining?.seconds).toBe(600n);
  });

  test("revives a lease that lapsed by time only", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    own.pass(31_000);
    expect((await own.call(methods.heartbeat, { handle })).lease?.remaining?.seconds).toBe(30n);
  });

  test("says when somebody waits", async () => {
    const own = bundle();
    const { handle } = await acquire(own);
    await flagAsItIs(own.store, { tenant: "default", scope: "charge", key: "evt_1" });
    expect((await own.call(methods.heartbeat, { handle })).hasWaiters).toBe(true);
  });

  test("of an ended attempt is an invalid state, and of a taken one superseded", async () => {
    const own = bundle();
    const { first, second } = await takeOver(own);
    expect((await own.failure(methods.heartbeat, { handle: first.handle })).reason).toBe("LEASE_SUPERSEDED");
    await own.call(methods.complete, { handle: second.handle, result: resultOf("done") });
    expect((await own.failure(methods.heartbeat, { handle: second.handle })).reason).toBe("INVALID_STATE");
  });
});
