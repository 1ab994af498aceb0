import { expect, test } from "vitest";
import { configText } from "../../../src/server/config/help.ts";
import { readConfig } from "../../../src/server/config/read.ts";

function problems(...args: readonly string[]): readonly string[] {
  const read = readConfig("serve", args, {});
  return read.kind === "problems" ? read.problems : [];
}

const URL = ["--database-url", "postgres://me@db/x"];

test("a password comes from a file or a command, for an address without one", () => {
  expect(problems(...URL, "--database-password-file", "/run/secrets/db")).toEqual([]);
  expect(problems(...URL, "--database-password-command", "cat /run/secrets/db")).toEqual([]);
});

test.each([
  [
    [...URL, "--database-password-file", "/a", "--database-password-command", "b"],
    "--database-password-file and --database-password-command are two ways to one password",
  ],
  [["--database-password-file", "/a"], "--database-password-file needs --database-url"],
  [["--database-password-command", "a"], "--database-password-command needs --database-url"],
  [
    ["--database-url", "postgres://me:geheim@db/x", "--database-password-file", "/a"],
    "--database-url has a password in it, and --database-password-file tells another one: take one away",
  ],
  [[...URL, "--pooler", "statement"], "--pooler must be one of auto, none, transaction"],
  [[...URL, "--database-wait", "2d"], "--database-wait must be a time from 0 to 24h"],
])("%j is refused", (args, problem) => {
  const [first = "", ...others] = problems(...args);
  expect(first).toContain(problem);
  expect(first).not.toContain("geheim");
  expect(others).toEqual([]);
});

test("what is in force is printed without the command, for it may hold a secret", () => {
  const read = readConfig("serve", [...URL, "--database-password-command", "token --secret geheim"], {});
  if (read.kind !== "config") throw new Error("bug: it was refused");
  const text = configText(read.config, read.sources);
  expect(text).toContain("database-password-command = ***");
  expect(text).not.toContain("geheim");
});
