import { expect, test } from "vitest";
import { createQuestion } from "../../../../src/server/workers/question.ts";

function setUp() {
  let sent = 0;
  const question = createQuestion<string>(() => void sent++);
  return { question, sent: () => sent };
}

test("all who ask while there is no answer share one question, and the next after it is another", async () => {
  const { question, sent } = setUp();
  const both = [question.ask(), question.ask()];
  expect(sent()).toBe(1);
  question.answer("here");
  expect(await Promise.all(both)).toEqual(["here", "here"]);
  const next = question.ask();
  expect(sent()).toBe(2);
  question.answer("again");
  expect(await next).toBe("again");
});

test("whoever asks one that does not answer is let go in time, and no more questions are put to it", async () => {
  const { question, sent } = setUp();
  for (let i = 0; i < 3; i++) {
    const late = new AbortController();
    const asked = question.ask(late.signal);
    late.abort();
    expect(await asked).toBeNull();
  }
  expect(await question.ask(AbortSignal.abort())).toBeNull();
  expect(sent()).toBe(1);
  const late = question.ask();
  question.answer("back");
  expect(await late).toBe("back");
});

test("whoever asks one that ends is let go at once", async () => {
  const { question, sent } = setUp();
  const asked = question.ask();
  question.end();
  expect(await asked).toBeNull();
  expect(await question.ask()).toBeNull();
  expect(sent()).toBe(1);
});
