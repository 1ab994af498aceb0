import { expect, test } from "vitest";
import { WORKER_LOOK_MS, WORKER_LOOKS_MAX } from "../../../../src/server/limits.ts";
import { untilMute } from "../../../../src/server/workers/until-mute.ts";
import { createManualClock } from "../../store/manual-clock.ts";

/** A process that answers when the test says so. */
function setUp() {
  const clock = createManualClock();
  const ending = new AbortController();
  const answers: (() => void)[] = [];
  const state = { outcome: "watched" };
  untilMute(() => new Promise<void>((resolve) => answers.push(resolve)), { clock, signal: ending.signal }).then(
    () => Object.assign(state, { outcome: "mute" }),
    () => Object.assign(state, { outcome: "ended" }),
  );
  return { clock, ending, answers, state };
}

test("one that answers late, but before the last look, is left alone", async () => {
  const { clock, answers, state } = setUp();
  for (let i = 1; i <= 3; i++) {
    await clock.advance(WORKER_LOOKS_MAX * WORKER_LOOK_MS);
    expect(answers).toHaveLength(i);
    answers.at(-1)?.();
  }
  expect(state.outcome).toBe("watched");
});

test("one that does not answer is asked once and found mute", async () => {
  const { clock, answers, state } = setUp();
  await clock.advance((WORKER_LOOKS_MAX + 1) * WORKER_LOOK_MS);
  expect(state.outcome).toBe("mute");
  expect(answers).toHaveLength(1);
});

test("nobody looks after one that has ended", async () => {
  const { clock, ending, state } = setUp();
  await clock.advance(WORKER_LOOK_MS);
  ending.abort();
  await clock.advance(10 * WORKER_LOOKS_MAX * WORKER_LOOK_MS);
  expect(state.outcome).toBe("ended");
  expect(clock.sleepers).toBe(0);
});
