import { expect, test } from "vitest";
import { createDrain } from "../../../src/server/drain.ts";
import type { Listening } from "../../../src/server/grpc.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { silentLog } from "../../../src/telemetry/log.ts";
import { createManualClock } from "../store/manual-clock.ts";

/** A server that is closed when told so. */
function fakeServer() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: string[] = [];
  const server: Listening = {
    address: { host: "127.0.0.1", port: 1 },
    close() {
      seen.push("close");
      return promise;
    },
    destroy() {
      seen.push("destroy");
      resolve();
    },
  };
  return { server, seen, finish: resolve };
}

function setUp(delayMs: number, graceMs: number) {
  const clock = createManualClock();
  const readiness = createReadiness();
  readiness.setPlacement("main", "up");
  readiness.set("schema", true);
  const fake = fakeServer();
  const endWaits = () => fake.seen.push("end waits");
  const drain = createDrain({ readiness, clock, log: silentLog, delayMs, graceMs, endWaits });
  return { clock, readiness, drain, ...fake };
}

test("before the drain everything is admitted", () => {
  const { drain, readiness } = setUp(0, 0);
  expect(drain.admission()).toBeNull();
  expect(readiness.report().ready).toBe(true);
});

test("during the delay the server is not ready, and acquires and lets wait and listens all the same", async () => {
  const { clock, drain, readiness, server, seen, finish } = setUp(5000, 10_000);
  const done = drain.run([server]);
  await clock.advance(4999);
  expect(readiness.report().ready).toBe(false);
  expect(readiness.stopping()).toBe(false);
  expect(drain.admission()).toBeNull();
  expect(seen).toEqual([]);
  await clock.advance(1);
  expect(readiness.stopping()).toBe(true);
  expect(drain.admission()).toMatchObject({ code: "DRAINING" });
  expect(seen).toEqual(["end waits", "close"]);
  finish();
  expect(await done).toBe(true);
});

test("when the calls in flight have ended nobody waits for the grace, and no timer is left", async () => {
  const { clock, drain, server, seen, finish } = setUp(0, 10_000);
  const done = drain.run([server]);
  finish();
  expect(await done).toBe(true);
  expect(seen).toEqual(["end waits", "close"]);
  expect(clock.sleepers).toBe(0);
});

test("after the grace what is left is cut off, and the drain was not clean", async () => {
  const { clock, drain, server, seen } = setUp(0, 10_000);
  const done = drain.run([server]);
  await clock.advance(10_000);
  expect(await done).toBe(false);
  expect(seen).toEqual(["end waits", "close", "destroy"]);
});
