import { expect, test } from "vitest";
import { createFollower } from "../../../../src/tenants/service/follower.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";

function scene(atOnceMax = 2) {
  const clock = createManualClock();
  const stopping = new AbortController();
  const begun: { readonly name: string; readonly end: PromiseWithResolvers<void> }[] = [];
  const follower = createFollower({
    ...{ clock, atOnceMax, signal: stopping.signal, backOffMs: (failures: number) => failures * 1_000 },
    work(name) {
      const end = Promise.withResolvers<void>();
      begun.push({ name, end });
      return end.promise;
    },
  });
  return { clock, stopping, begun, follower, names: () => begun.map(({ name }) => name) };
}

test("only so many names have their turn at once, each once however often it was said", async () => {
  const { follower, begun, names } = scene();
  for (const name of ["a", "b", "c", "c", "d"]) follower.follow(name);
  expect(names()).toEqual(["a", "b"]);
  expect(follower.size).toBe(2);
  begun[0]?.end.resolve();
  await settled();
  expect(names()).toEqual(["a", "b", "c"]);
  begun[1]?.end.resolve();
  await settled();
  expect(names()).toEqual(["a", "b", "c", "d"]);
});

test("a name that is said while it has its turn has another", async () => {
  const { follower, begun, names } = scene(1);
  follower.follow("a");
  follower.follow("a");
  begun[0]?.end.resolve();
  await settled();
  expect(names()).toEqual(["a", "a"]);
});

test("what fails is done again until it succeeds, later each time", async () => {
  const { clock, follower, begun, names } = scene();
  follower.follow("a");
  begun[0]?.end.reject(new Error("away"));
  await clock.advance(999);
  expect(names()).toEqual(["a"]);
  await clock.advance(1);
  begun[1]?.end.reject(new Error("away"));
  await clock.advance(1_999);
  expect(names()).toEqual(["a", "a"]);
  await clock.advance(1);
  begun[2]?.end.resolve();
  await clock.advance(1_000_000);
  expect(names()).toEqual(["a", "a", "a"]);
});

test("after the stop nothing begins", async () => {
  const { clock, stopping, follower, begun, names } = scene(1);
  for (const name of ["a", "b"]) follower.follow(name);
  stopping.abort();
  begun[0]?.end.reject(new Error("away"));
  await clock.advance(1_000_000);
  follower.follow("c");
  expect(names()).toEqual(["a"]);
});
