import { expect, test } from "vitest";
import type { WaitEvent } from "../../../src/client/client.ts";
import { charge, start, watch } from "./charge.ts";

test("whoever asks while the work is under way gets its result, and nobody runs it again", async () => {
  await using stage = start();
  const { server, clock, holdfast } = stage;
  let runs = 0;
  const work = async () => {
    runs++;
    await clock.sleep(5 * 60_000);
    return { paid: true };
  };
  const all = Promise.all(
    [holdfast, ...Array.from({ length: 20 }, () => server.client())].map((each) => each.once(charge, work)),
  );
  const done = await clock.until(all);
  expect(runs).toBe(1);
  expect(done.map(({ value }) => value)).toEqual(Array(21).fill({ paid: true }));
  expect(done.filter(({ replayed }) => !replayed)).toHaveLength(1);
});

test.each(["dropWaits", "restart"] as const)("after %s those who wait wait on, and hear of the end", async (fault) => {
  await using stage = start();
  const { server, clock, faults, holdfast } = stage;
  const work = Promise.withResolvers<string>();
  const holder = watch(holdfast.once(charge, () => work.promise));
  await clock.advance(0);
  const waiter = watch(server.client().once(charge, () => "not me"));
  const onlooker = watch(server.client().result(charge));
  await clock.advance(1_000);
  await faults[fault]();
  work.resolve("done");
  await clock.advance(0);
  expect(holder).toMatchObject({ state: "kept", value: { value: "done" } });
  expect([waiter.state, onlooker.state]).toEqual(["open", "open"]);
  await clock.advance(6_000);
  expect(waiter).toMatchObject({ state: "kept", value: { value: "done", replayed: true } });
  expect(onlooker).toMatchObject({ state: "kept", value: "done" });
});

test("a restarted server has its records, their leases and their fences", async () => {
  await using stage = start();
  const { clock, faults, holdfast, records } = stage;
  await holdfast.once(charge, () => "paid");
  const work = Promise.withResolvers<string>();
  const other = { ...charge, key: "evt_2" };
  const held = watch(holdfast.once(other, () => work.promise));
  await clock.advance(0);
  const before = await records.list();
  await faults.restart();
  expect(await records.list()).toEqual(before);
  expect(await holdfast.once(charge, () => "again")).toMatchObject({ value: "paid", replayed: true });
  work.resolve("done");
  await clock.advance(0);
  expect(held).toMatchObject({ state: "kept", value: { value: "done", attempt: 1 } });
});

test("waitFor tells of progress, of a retry that is scheduled, and of the end", async () => {
  await using stage = start();
  const { clock, holdfast, server } = stage;
  const told: string[] = [];
  const name = ({ kind, ...more }: WaitEvent) => ("change" in more ? `${kind}: ${more.change}` : kind);
  const listening = (async () => {
    for await (const event of server.client().waitFor([charge])) told.push(name(event));
  })();
  await clock.advance(0);
  await holdfast
    .once(charge, async ({ progress }) => {
      progress(0.5, "half");
      await clock.advance(1_000);
      const { retryable } = await import("../../../src/client/client.ts");
      throw retryable("busy", { delayMs: 60_000 });
    })
    .catch(() => undefined);
  const done = watch(holdfast.once(charge, () => "paid"));
  await clock.advance(61_000);
  expect(done.state).toBe("kept");
  await listening;
  expect(told).toEqual([
    "snapshot",
    "lease-changed: taken-over",
    "progress",
    "lease-changed: retry-scheduled",
    "lease-changed: released",
    "lease-changed: taken-over",
    "ended",
  ]);
});

test("whoever gives up waiting is told so at its time", async () => {
  await using stage = start();
  const { clock, holdfast, server } = stage;
  void holdfast.once(charge, () => clock.sleep(600_000));
  await clock.advance(0);
  const hasty = watch(server.client().once({ ...charge, timeoutMs: 90_000 }, () => 1));
  await clock.advance(89_999);
  expect(hasty.state).toBe("open");
  await clock.advance(1);
  expect(hasty).toMatchObject({ state: "broken", error: { name: "TimeoutError", lastOutcome: "in-progress" } });
});
