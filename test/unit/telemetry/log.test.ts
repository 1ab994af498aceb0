import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { ConnectionLost, internal, unavailable, WrongPrimary } from "../../../src/store/postgres/errors.ts";
import { createLog, loggedError } from "../../../src/telemetry/log.ts";
import { textLines } from "../../../src/telemetry/text-lines.ts";
import { NotHeard } from "../../../src/waiting/listener.ts";

function logTo(lines: string[], text = false, level: "info" | "debug" = "info") {
  const write = (line: string) => void lines.push(line);
  return createLog({ level, destination: text ? textLines(write) : { write } });
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
    const cause = Object.assign(new Error("secret"), { severity: "ERROR", code: "22P02" });
    const logged = loggedError(new Error("bug: outer", { cause }));
    expect(logged).toMatchObject({ message: "bug: outer", stack: expect.any(String), cause: { code: "22P02" } });
    expect(JSON.stringify(logged)).not.toContain("secret");
  });

  test("that is none is named by its type", () => {
    expect(loggedError("secret")).toEqual({ name: "string" });
  });

  test("goes through the log's field called error", () => {
    const lines: string[] = [];
    logTo(lines).error({ error: Object.assign(new Error("secret"), { severity: "ERROR", code: "23514" }) }, "down");
    expect(lines[0]).toContain('"23514"');
    expect(lines[0]).not.toContain("secret");
  });
});

describe("an outage is told by its text, without a stack:", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
  const cutOff = new Error("Connection terminated unexpectedly");

  test.each([
    ["a refused connection", refused, "connect ECONNREFUSED 127.0.0.1:5432"],
    ["a name with two addresses", new AggregateError([refused, refused]), `${refused.message}; ${refused.message}`],
    ["a connection that broke", new ConnectionLost(cutOff), "the connection was lost"],
    ["a fault", unavailable(new ConnectionLost(new Error("no answer"))), "The store does not answer."],
    ["a refusal", new Fault("OVERLOADED", "too much to do"), "too much to do"],
    ["a former primary", new WrongPrimary("it is a standby"), "it is a standby"],
    ["a lost probe", new NotHeard(2_000, true), "a notification of our own did not arrive within 2000 ms"],
  ])("%s", (_, error, message) => {
    expect(loggedError(error)).toMatchObject({ message });
    expect(JSON.stringify(loggedError(error))).not.toContain('"stack"');
    expect(loggedError(error, true)).toMatchObject({ stack: expect.any(String) });
  });

  test.each([
    ["what nobody has foreseen", new Error("odd")],
    ["a mistake of ours", new TypeError("x is not a function")],
    ["what callers are told as INTERNAL", internal(new Error("odd"))],
  ])("but %s keeps it", (_, error) => {
    expect(loggedError(error)).toMatchObject({ stack: expect.any(String) });
  });

  test("and so does a mistake that an outage is due to", () => {
    const logged = loggedError(unavailable(new Error("bug: no row")));
    expect(logged).not.toHaveProperty("stack");
    expect(logged).toMatchObject({ cause: { message: "bug: no row", stack: expect.any(String) } });
  });

  test("at the level debug it has one", () => {
    const [quiet, talkative]: string[][] = [[], []];
    logTo(quiet ?? []).error({ error: refused }, "down");
    logTo(talkative ?? [], false, "debug").error({ error: refused }, "down");
    expect(quiet?.[0]).not.toContain('"stack"');
    expect(talkative?.[0]).toContain('"stack"');
  });
});

test.each([
  ["57P01", "terminating connection due to administrator command"],
  ["53300", "too many connections for role"],
  ["42501", "permission denied for schema holdfast"],
  ["28P01", "password authentication failed for user"],
  ["40P01", "deadlock detected"],
])("what the database says with %s quotes no values, and is told", (code, message) => {
  const error = Object.assign(new Error(message), { severity: "ERROR", code, detail: "secret" });
  expect(loggedError(error)).toMatchObject({ code, message });
  expect(JSON.stringify(loggedError(error))).not.toContain("secret");
});
