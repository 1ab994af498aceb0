import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHistory } from "../../../../proof/history/history.ts";
import { hand } from "./lines.ts";

let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-history-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, ...lines: readonly (object | string)[]): string {
  const path = join(directory, name);
  const texts = lines.map((line) => (typeof line === "string" ? line : `${JSON.stringify(line)}\n`));
  writeFileSync(path, texts.join(""));
  return path;
}

function callsAt(...instants: readonly number[]) {
  const history = hand();
  for (const atMs of instants) history.replay(atMs, "r");
  return history.calls.map(({ place: _, ...call }) => call);
}

test("the calls of several files are told key by key, in the order in which they were made", () => {
  const [first = {}, third = {}] = callsAt(1, 3);
  const [second = {}, other = {}] = callsAt(2, 9);
  const paths = [write("one", first, third), write("two", second, { ...other, key: "other" })];
  using history = openHistory(paths);
  expect(history.calls).toBe(4);
  const keys = [...history.keys()].map((calls) => calls.map(({ place, key }) => `${place.slice(-5)} ${key}`));
  expect(keys).toEqual([["one:1 k", "two:1 k", "one:2 k"], ["two:2 other"]]);
});

test("in a journal the answer takes the place of the line that was written before the call was sent", () => {
  const [call] = callsAt(1);
  const opened = { ...call, id: "1 1", return_ns: null, output: { kind: "unknown", code: "OPEN" } };
  const left = { ...opened, id: "1 2" };
  using history = openHistory([write("one", opened, left, { ...call, id: "1 1" })]);
  expect(history.calls).toBe(2);
  const [calls = []] = [...history.keys()];
  expect(calls.map(({ output }) => output.kind).sort()).toEqual(["completed", "unknown"]);
});

test("lines longer than what is read at once are whole", () => {
  const [call = {}] = callsAt(1);
  using history = openHistory([write("one", { ...call, key: "k".repeat(2_500_000) }, call)]);
  expect([...history.keys()].map(([first]) => first?.key.length)).toEqual([2_500_000, 1]);
});

test("half a line at the end of a file is of a process that was killed, and left out", () => {
  const [call = {}] = callsAt(1);
  using history = openHistory([write("one", call, '{"v":1,"op":"cl')]);
  expect(history.calls).toBe(1);
});

test.each([
  ["half a line in between", '{"v":1,"op":"cl\n', "one:1 is no line of a history"],
  ["a line of another version", '{"v":2,"op":"claim"}\n', "version 2 of the format; this program reads version 1"],
  ["a line of something else", '{"v":1}\n', "neither a call nor a mark"],
])("%s is refused by file and line", (_, text, why) => {
  const path = write("one", text, ...callsAt(1));
  expect(() => openHistory([path])).toThrow(why);
});
