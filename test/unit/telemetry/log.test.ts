import { describe, expect, test } from "vitest";
import { createLog, loggedError } from "../../../src/telemetry/log.ts";
import { textLines } from "../../../src/telemetry/text-lines.ts";

function logTo(lines: string[], text = false) {
  const write = (line: string) => void lines.push(line);
  return createLog({ level: "info", destination: text ? textLines(write) : { write } });
}

describe("a line", () => {
  test("is one JSON object with level, time and message", () => {
    const lines: string[] = [];
    logTo(lines).info({ port: 7400 }, "listening");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      port: 7400,
      message: "listening",
    });
  });

  test.each([false, true])("holds whatever a value holds, line breaks and all, as text = %s", (text) => {
    const lines: string[] = [];
    logTo(lines, text).warn({ value: 'a\r\n{"level":"error"}\u2028\u0000\u001b[31m\u202e' }, "odd");
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toMatch(/\p{Cc}/u);
    if (text) expect(lines[0]).not.toMatch(/[\u2028\u202e]/);
  });

  test("below the level is not written", () => {
    const lines: string[] = [];
    logTo(lines).debug({}, "call");
    expect(lines).toEqual([]);
  });

  test("of text is short and has its fields behind the message", () => {
    const lines: string[] = [];
    logTo(lines, true).info({ grpc: "127.0.0.1:7400", ms: 3, nested: { a: 1 } }, "listening");
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}listening grpc=127\.0\.0\.1:7400 ms=3 nested=\{"a":1\}\n$/,
    );
  });
});

describe("an error", () => {
  test("of the database is cut down to what names it: its text can quote a row", () => {
    const error = Object.assign(new Error('duplicate key (order-1)=("secret")'), {
      severity: "ERROR",
      code: "23505",
      detail: "Key (key)=(secret) already exists.",
      where: "secret",
      constraint: "record_pkey",
      table: "record",
      routine: "_bt_check_unique",
    });
    expect(JSON.stringify(loggedError(error))).not.toContain("secret");
    expect(loggedError(error)).toMatchObject({ code: "23505", constraint: "record_pkey" });
  });

  test("of ours keeps message and stack, and so does its cause unless that is the database's", () => {
    const cause = Object.assign(new Error("secret"), { severity: "ERROR", code: "57P01" });
    const logged = loggedError(new Error("bug: outer", { cause }));
    expect(logged).toMatchObject({ message: "bug: outer", stack: expect.any(String), cause: { code: "57P01" } });
    expect(JSON.stringify(logged)).not.toContain("secret");
  });

  test("that is none is named by its type", () => {
    expect(loggedError("secret")).toEqual({ name: "string" });
  });

  test("goes through the log's field called error", () => {
    const lines: string[] = [];
    logTo(lines).error({ error: Object.assign(new Error("secret"), { severity: "FATAL", code: "57P01" }) }, "down");
    expect(lines[0]).toContain('"57P01"');
    expect(lines[0]).not.toContain("secret");
  });
});
