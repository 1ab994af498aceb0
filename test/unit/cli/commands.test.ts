import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COMMANDS, GROUPS } from "../../../src/cli/commands.ts";
import { EXIT_BY_REASON, EXIT_CODES, exitOfEnding } from "../../../src/cli/exit-codes.ts";
import { cliPage } from "../../../src/cli/page.ts";
import { OPTIONS, optionsOf } from "../../../src/server/config.ts";
import { runWith } from "./keys/stand.ts";

describe("holdfast help", () => {
  test("has every command in its group, every exit code, and fits a terminal of 80 columns", async () => {
    const { code, out } = await runWith(["help"]);
    expect(code).toBe(0);
    for (const { name, summary } of COMMANDS)
      expect(out).toMatch(new RegExp(`^ {2}${name} +${RegExp.escape(summary)}$`, "m"));
    for (const { title } of GROUPS) expect(out).toContain(`\n${title}:\n`);
    for (const { code: number } of EXIT_CODES) expect(out).toMatch(new RegExp(`^ {2}${number} `, "m"));
    expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("on a command is that command's own", async () => {
    for (const { name } of COMMANDS) {
      const { code, out, error } = await runWith(["help", name]);
      expect({ name, code, error }).toEqual({ name, code: 0, error: "" });
      expect(out).toMatch(/^Usage: holdfast /);
    }
  });
});

describe.each(COMMANDS.map((command) => [command.name, command] as const))("the shape of %s", (name, { shape }) => {
  test("has every flag that its help has, and no other", async () => {
    const { settings, flags, subcommands } = await shape();
    const known = settings === null ? [] : optionsOf(settings).map((setting) => OPTIONS[setting].name);
    const helpOf = async (...words: readonly string[]) => {
      const { out } = await runWith([name, ...words, "--help"]);
      return new Set([...out.matchAll(/^ {2}(?: {4})?--(?:\[no-\])?([a-z-]+)/gm)].map(([, flag]) => flag));
    };
    if (name === "version" || name === "help") return;
    // Some commands have one help for all their words.
    const hasOwnHelps = name === "tenants" || name === "keys";
    if (!hasOwnHelps) {
      const all = [...flags, ...subcommands.flatMap((sub) => sub.flags)].map((flag) => flag.name);
      expect(await helpOf()).toEqual(new Set([...all, ...known]));
      return;
    }
    for (const sub of subcommands) {
      expect(await helpOf(sub.name)).toEqual(new Set([...sub.flags.map((flag) => flag.name), ...known]));
    }
  });
});

test("docs/cli.md is what the tables of commands say", async () => {
  const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  expect(page).toBe(await cliPage());
});

describe("exit codes", () => {
  test("are documented, each once", () => {
    const codes = EXIT_CODES.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of Object.values(EXIT_BY_REASON)) expect(codes).toContain(code);
  });

  test("of signals are those that shells give to them", () => {
    expect([exitOfEnding("SIGINT"), exitOfEnding("SIGTERM"), exitOfEnding("SIGHUP"), exitOfEnding("closed")]).toEqual([
      130, 143, 129, 0,
    ]);
  });
});
