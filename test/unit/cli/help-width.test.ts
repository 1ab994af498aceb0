import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { helpPage, wrapped } from "../../../src/cli/wrap.ts";
import { runWith } from "./keys/stand.ts";

const HELPED = COMMANDS.map(({ name }) => name).filter((name) => name !== "version" && name !== "help");

test.each(HELPED)("help on %s has no line longer than 80", async (name) => {
  const shape = await COMMANDS.find((command) => command.name === name)?.shape();
  const words = ["keys", "tenants"].includes(name) ? (shape?.subcommands.map((sub) => sub.name) ?? []) : [];
  const lines = [[name, "--help"], ...words.map((word) => [name, word, "--help"])].map(async (args) => {
    const { code, out } = await runWith(args);
    expect(code).toBe(0);
    // A value that is one of many words is one word.
    return out.split("\n").filter((line) => line.length > 80 && line.trim().includes(" "));
  });
  expect((await Promise.all(lines)).flat()).toEqual([]);
});

describe("a help text", () => {
  test("puts together what was broken elsewhere, and keeps what begins anew", () => {
    const long = "a sentence that goes on and on, and was broken where the code had to be\nbroken, by somebody else.";
    expect(helpPage(`Usage: x\n\n${long}\nlist lists.`).split("\n")).toEqual([
      "Usage: x",
      "",
      "a sentence that goes on and on, and was broken where the code had to be broken,",
      "by somebody else.",
      "list lists.",
    ]);
  });

  test("keeps two columns, and what a flag takes behind the flag", () => {
    expect(helpPage(`  name  ${"word ".repeat(20).trim()}`).split("\n")[1]).toMatch(/^ {8}word/);
    expect(helpPage(`  --flag ${"x|".repeat(50)}`).split("\n")[1]).toMatch(/^ {6}x/);
  });

  test("breaks no word", () => {
    expect(wrapped("abcdef", "  ", 4)).toEqual(["  abcdef"]);
  });
});
