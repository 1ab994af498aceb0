import { expect, test } from "vitest";
import {
  WORKER_PAUSE_MS,
  WORKER_PAUSE_MS_MAX,
  WORKER_STARTS_MAX,
  WORKER_STEADY_MS,
} from "../../../../src/server/limits.ts";
import { ADDRESSES, CLEAN, CRASH, refusal, setUp } from "./hands.ts";

test("the first worker goes ahead, the others follow, and together they are a server", async () => {
  const { hands, last, serveAll } = setUp(3);
  expect(hands.map(({ number }) => number)).toEqual([1]);
  await last().serve();
  expect(hands.map(({ number }) => number)).toEqual([1, 2, 3]);
  expect(await serveAll()).toEqual(ADDRESSES);
});

test("why the first worker does not serve is told in its own words, and no other is started", async () => {
  const { supervisor, hands, last } = setUp(2);
  await last().end(refusal("the schema is older than this version"));
  expect((await supervisor.broken).message).toBe("the schema is older than this version");
  expect(await supervisor.stop()).toBe(false);
  expect(hands).toHaveLength(1);
});

test("a worker that has served for a while is replaced at once, in its own place", async () => {
  const { ends, hands, last, serveAll, advance } = setUp(2);
  await serveAll();
  await advance(WORKER_STEADY_MS);
  await hands[0]?.end(CRASH);
  await advance(0);
  expect(hands.map(({ number }) => number)).toEqual([1, 2, 1]);
  expect(ends).toEqual([{ worker: 1, pid: 1001, code: null, signal: "SIGKILL", pauseMs: 0 }]);
  await last().serve();
});

test("the pause before the next grows while workers are short-lived, up to a bound, and begins anew after a sound one", async () => {
  const { ends, last, serveAll, advance } = setUp(1);
  await serveAll();
  for (let i = 0; i < 9; i++) {
    await last().end(CRASH);
    await advance(WORKER_PAUSE_MS_MAX);
    await last().serve();
  }
  const pauses = [0, 1, 2, 4, 8, 16, 32].map((times) => times * WORKER_PAUSE_MS);
  expect(ends.map(({ pauseMs }) => pauseMs)).toEqual([...pauses, WORKER_PAUSE_MS_MAX, WORKER_PAUSE_MS_MAX]);
  await advance(WORKER_STEADY_MS);
  await last().end(CRASH);
  expect(ends.at(-1)).toMatchObject({ pauseMs: 0 });
});

test("workers that end before they serve, one after the other, are given up on, and the last one is quoted", async () => {
  const { supervisor, hands, last, serveAll, advance } = setUp(1);
  await serveAll();
  await last().end(CRASH);
  for (let i = 0; i < WORKER_STARTS_MAX; i++) {
    await advance(WORKER_PAUSE_MS_MAX);
    await last().end(i === 0 ? CRASH : refusal("no connection is left"));
  }
  const { message } = await supervisor.broken;
  expect(message).toBe(
    "5 workers in a row have ended before they served; the last one, worker 1: no connection is left",
  );
  expect(hands).toHaveLength(1 + WORKER_STARTS_MAX);
});

test("one that was met by a signal after it had said that it stopped without cutting off a call was clean", async () => {
  const { supervisor, last, serveAll } = setUp(1);
  await serveAll();
  const stopped = supervisor.stop();
  await last().end({ ...CLEAN, code: null, signal: "SIGTERM" });
  expect(await stopped).toBe(true);
});

test("one that ends without a word is told by its signal or its exit code", async () => {
  for (const [end, words] of [
    [CRASH, "ended by SIGKILL"],
    [{ code: 134, signal: null, reason: null, clean: null }, "ended by itself, with exit code 134"],
  ] as const) {
    const { supervisor, last, advance } = setUp(1);
    for (let i = 0; i < WORKER_STARTS_MAX; i++) {
      await last().end(end);
      await advance(WORKER_PAUSE_MS_MAX);
    }
    expect((await supervisor.broken).message).toContain(`worker 1: ${words}`);
  }
});

test("one that serves in between is reason enough to go on", async () => {
  const { supervisor, hands, last, serveAll, advance } = setUp(1);
  let isBroken = false;
  void supervisor.broken.then(() => {
    isBroken = true;
  });
  await serveAll();
  for (let i = 0; i < 3 * WORKER_STARTS_MAX; i++) {
    await last().end(CRASH);
    await advance(WORKER_PAUSE_MS_MAX);
    if (i % WORKER_STARTS_MAX === 0) await last().serve();
  }
  expect(isBroken).toBe(false);
  expect(hands).toHaveLength(1 + 3 * WORKER_STARTS_MAX);
});

test("stopping asks every worker once, starts no other, and is clean when all of them were", async () => {
  const { supervisor, hands, serveAll } = setUp(2);
  await serveAll();
  const stopped = supervisor.stop();
  expect(hands.map(({ asked }) => asked())).toEqual([1, 1]);
  for (const hand of hands) await hand.end(CLEAN);
  expect(await stopped).toBe(true);
  expect(hands).toHaveLength(2);
});

test.each([
  ["cut off calls", { code: 1, signal: null, reason: null, clean: false }],
  ["was killed", CRASH],
] as const)("stopping is not clean when a worker %s", async (_, end) => {
  const { supervisor, hands, serveAll } = setUp(2);
  await serveAll();
  const stopped = supervisor.stop();
  await hands[0]?.end(CLEAN);
  await hands[1]?.end(end);
  expect(await stopped).toBe(false);
});

test("stopping does not wait for a pause, nor for a worker that did not yet know of signals", async () => {
  const pausing = setUp(1);
  await pausing.serveAll();
  await pausing.last().end(CRASH);
  await pausing.advance(0);
  await pausing.last().end(CRASH);
  expect(await pausing.supervisor.stop()).toBe(true);
  expect(pausing.hands).toHaveLength(2);

  const young = setUp(1);
  const stopped = young.supervisor.stop();
  await young.last().end({ ...CRASH, signal: "SIGTERM" });
  expect(await stopped).toBe(true);
});

test("a worker that serves elsewhere, because all had gone and the port with them, ends the server", async () => {
  const { supervisor, last, serveAll, advance } = setUp(1);
  await serveAll();
  await last().end(CRASH);
  await advance(0);
  await last().serve({ ...ADDRESSES, grpcAddress: { host: "127.0.0.1", port: 7402 } });
  expect((await supervisor.broken).message).toMatch(/port 0/);
});
