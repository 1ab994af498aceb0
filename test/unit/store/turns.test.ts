import { expect, test } from "vitest";
import { createTurns } from "../../../src/store/postgres/turns.ts";
import { settled } from "./manual-clock.ts";

/** Something in use until it is let go, and the order in which the others came to it. */
function setUp(waitingMax = Number.POSITIVE_INFINITY, atOnce = 1) {
  const turns = createTurns(waitingMax, atOnce);
  const used: string[] = [];
  const gate = Promise.withResolvers<void>();
  const use = (name: string, options?: { ahead?: boolean }) =>
    turns.take(async () => {
      used.push(name);
      if (name === "first") await gate.promise;
      return name;
    }, options);
  return { turns, used, use, letGo: gate.resolve };
}

test("turns are taken one at a time, in the order in which they were asked for", async () => {
  const { used, use, letGo } = setUp();
  const all = ["first", "second", "third"].map((name) => use(name));
  await settled();
  expect(used).toEqual(["first"]);
  letGo();
  expect(await Promise.all(all)).toEqual(["first", "second", "third"]);
  expect(used).toEqual(["first", "second", "third"]);
});

test("a turn that fails is told to whoever asked for it, and the next one comes", async () => {
  const { turns, use } = setUp();
  const failing = turns.take(() => Promise.reject(new Error("failed")));
  const next = use("next");
  await expect(failing).rejects.toThrow("failed");
  expect(await next).toBe("next");
});

test("beyond so many that wait, one more is refused at once and is never taken", async () => {
  const { used, use, letGo } = setUp(2);
  const first = use("first");
  await settled();
  const waiting = [use("second"), use("third")];
  await expect(use("fourth")).rejects.toMatchObject({ code: "OVERLOADED", retryAfterMs: 500 });
  letGo();
  await Promise.all([first, ...waiting]);
  expect(used).toEqual(["first", "second", "third"]);
  expect(await use("fifth"), "there is room again").toBe("fifth");
});

test("one that goes ahead is next, however many wait", async () => {
  const { used, use, letGo } = setUp(1);
  const first = use("first");
  await settled();
  const all = [first, use("second"), use("ahead", { ahead: true })];
  letGo();
  await Promise.all(all);
  expect(used).toEqual(["first", "ahead", "second"]);
});

test("those that wait can be refused, while the one in use goes on and is waited for", async () => {
  const { turns, used, use, letGo } = setUp();
  const first = use("first");
  await settled();
  const refused = expect(Promise.allSettled([use("second"), use("third")])).resolves.toMatchObject([
    { reason: { message: "over" } },
    { reason: { message: "over" } },
  ]);
  turns.refuse(new Error("over"));
  await refused;
  let isIdle = false;
  const idle = turns.idle().then(() => {
    isIdle = true;
  });
  await settled();
  expect(isIdle).toBe(false);
  letGo();
  await idle;
  expect(await first).toBe("first");
  expect(used).toEqual(["first"]);
});

test("where two may use it at a time the third waits for one of them, and idle for all", async () => {
  const { turns, used, use, letGo } = setUp(Number.POSITIVE_INFINITY, 2);
  const first = use("first");
  const [second, third] = [use("second"), use("third")];
  expect(await second).toBe("second");
  expect(await third, "after the second, while the first goes on").toBe("third");
  let isIdle = false;
  const idle = turns.idle().then(() => {
    isIdle = true;
  });
  await settled();
  expect([used, isIdle]).toEqual([["first", "second", "third"], false]);
  letGo();
  await Promise.all([first, idle]);
  expect(await use("fourth")).toBe("fourth");
});
