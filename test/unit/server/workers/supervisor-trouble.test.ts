import { expect, test } from "vitest";
import {
  WORKER_LOOK_MS,
  WORKER_LOOKS_MAX,
  WORKER_PAUSE_MS_MAX,
  WORKER_STARTS_MAX,
} from "../../../../src/server/limits.ts";
import { CRASH, refusal, setUp } from "./hands.ts";

test("while a worker serves the server goes on, and tries again with the longest pause and an error in the log", async () => {
  const { hands, ends, errors, news, last, serveAll, advance } = setUp(2);
  await serveAll();
  await last().end(CRASH);
  for (let i = 0; i < 2 * WORKER_STARTS_MAX; i++) {
    await advance(WORKER_PAUSE_MS_MAX);
    await last().end(refusal("the file holds no certificate"));
  }
  expect(news.broken).toBe(0);
  expect(ends).toHaveLength(WORKER_STARTS_MAX);
  expect(errors).toHaveLength(WORKER_STARTS_MAX + 1);
  const reason = "the file holds no certificate";
  expect(errors.at(0)).toMatchObject({ worker: 2, reason, pauseMs: WORKER_PAUSE_MS_MAX });
  await advance(WORKER_PAUSE_MS_MAX);
  await last().serve();
  await last().end(CRASH);
  expect(ends).toHaveLength(WORKER_STARTS_MAX + 1);
  expect(hands[0]?.asked()).toBe(0);
});

test("when the last one that serves ends too, as many starts in vain as ever are too many", async () => {
  const { hands, news, last, serveAll, advance } = setUp(2);
  await serveAll();
  await last().end(CRASH);
  for (let i = 0; i < WORKER_STARTS_MAX; i++) {
    await advance(WORKER_PAUSE_MS_MAX);
    await last().end(refusal("no certificate"));
  }
  await hands[0]?.end(CRASH);
  for (let i = 0; i < WORKER_STARTS_MAX; i++) {
    expect(news.broken).toBe(0);
    await advance(WORKER_PAUSE_MS_MAX);
    await last().end(refusal("no certificate"));
  }
  expect(news.broken).toBe(1);
});

test("a start is over when all have served: until then workers that end in vain end it, whoever serves already", async () => {
  const { supervisor, hands, last, advance } = setUp(2);
  await hands[0]?.serve();
  for (let i = 0; i < WORKER_STARTS_MAX; i++) {
    await last().end(refusal("no memory"));
    await advance(WORKER_PAUSE_MS_MAX);
  }
  expect((await supervisor.broken).message).toMatch(/worker 2: no memory$/);
});

test("a worker that gives no sign of life is killed after several looks, and another takes its place", async () => {
  const { hands, ends, errors, serveAll, advance } = setUp(2);
  await serveAll();
  await advance(3 * WORKER_LOOK_MS);
  expect(hands.map(({ looks }) => looks())).toEqual([3, 3]);
  hands[1]?.fallSilent();
  await advance(WORKER_LOOKS_MAX * WORKER_LOOK_MS);
  expect(hands[1]?.killed()).toBe(0);
  expect(hands[1]?.looks()).toBe(4);
  await advance(WORKER_LOOK_MS);
  expect(hands.map(({ killed }) => killed())).toEqual([0, 1, 0]);
  expect(errors).toEqual([
    { worker: 2, pid: 1002, muteMs: 30_000, message: "a worker gives no sign of life: it is killed" },
  ]);
  expect(ends).toMatchObject([{ worker: 2, signal: "SIGKILL" }]);
  expect(hands.map(({ number }) => number)).toEqual([1, 2, 2]);
});

test("a worker that does not serve yet is not asked for a sign of life: a database may be waited for", async () => {
  const { hands, advance } = setUp(1);
  await advance(10 * WORKER_LOOKS_MAX * WORKER_LOOK_MS);
  expect([hands[0]?.looks(), hands[0]?.killed()]).toEqual([0, 0]);
});
