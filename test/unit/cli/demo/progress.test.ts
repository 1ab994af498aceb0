import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createProgress } from "../../../../src/cli/demo/progress.ts";
import { createTally, type Moment } from "../../../../src/cli/demo/report.ts";

const moment = (acknowledged: number): Moment => ({
  acknowledged,
  deliveries: 100,
  charged: 3,
  reconciling: 1,
  tally: { ...createTally(), replays: 4, workersKilled: 2 },
});

function openStream(terminal: object) {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), terminal);
  return { stream, shown: () => String(stream.read() ?? "") };
}

test("without a terminal there is a line for every tenth of the log, and none in between", () => {
  const { stream, shown } = openStream({});
  const progress = createProgress(stream);
  for (const acknowledged of [0, 9, 10, 11, 35, 100, 100]) progress.show(moment(acknowledged));
  progress.end();
  const lines = shown().trimEnd().split("\n");
  expect(lines.map((line) => line.split(" ")[0])).toEqual(["10/100", "35/100", "100/100"]);
  expect(lines[0]).toContain("3 charged · 4 replayed · 0 refused · 0 reconciled (1 under way) · 2 workers");
});

test("without a terminal a note is a line", () => {
  const { stream, shown } = openStream({});
  createProgress(stream).note("worker 1: killed");
  expect(shown()).toBe("worker 1: killed\n");
});

test("a terminal shows a bar that is drawn anew, and notes above it", () => {
  const { stream, shown } = openStream({ isTTY: true, columns: 120, rows: 30 });
  const progress = createProgress(stream);
  progress.show(moment(50));
  progress.note("worker 1: killed");
  progress.show(moment(60));
  progress.end();
  const text = shown();
  expect(text).toContain(`${"█".repeat(15)}${"░".repeat(15)} 50/100 acknowledged`);
  expect(text).toContain("worker 1: killed");
  expect(text).toContain("60/100 acknowledged");
});

test("a terminal without a width gets plain lines", () => {
  const { stream, shown } = openStream({ isTTY: true, columns: 0 });
  createProgress(stream).show(moment(50));
  expect(shown()).toMatch(/^50\/100 acknowledged: .*\n$/);
});
