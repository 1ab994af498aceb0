import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { runWith } from "./keys/stand.ts";

const scripts = Object.fromEntries(
  await Promise.all(["bash", "zsh", "fish"].map(async (shell) => [shell, (await runWith(["completion", shell])).out])),
) as Readonly<Record<"bash" | "zsh" | "fish", string>>;

/** What bash offers for the last of these words. */
function completionsOf(...words: readonly string[]): readonly string[] {
  const script = `
    eval "$SCRIPT"
    COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
    _holdfast
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["--norc", "-c", script, "bash", ...words], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], SCRIPT: scripts.bash },
  });
  return out.split("\n").filter((line) => line !== "");
}

describe("bash completes", () => {
  test.each<[readonly string[], readonly string[]]>([
    [["holdfast", "ke"], ["keys"]],
    [["holdfast", ""], COMMANDS.map(({ name }) => name)],
    [["holdfast", "help", "app"], []],
    [["holdfast", "help", "api"], ["apikeys"]],
    [
      ["holdfast", "keys", ""],
      ["list", "get", "why", "release", "resolve", "reset", "purge"],
    ],
    [
      ["holdfast", "keys", "re"],
      ["release", "resolve", "reset"],
    ],
    [
      ["holdfast", "keys", "resolve", "--f"],
      ["--failed-message", "--failed-code", "--force", "--fence"],
    ],
    [["holdfast", "keys", "why", "k", "--sc"], ["--scope"]],
    [["holdfast", "keys", "list", "--state", "e"], ["expired"]],
    [["holdfast", "keys", "list", "--scope", ""], []],
    [["holdfast", "tenants", "update", "a", "--no-h"], ["--no-host"]],
    [["holdfast", "tenants", "register", "a", "--no-h"], []],
    [["holdfast", "wait", "k", "--must"], ["--must-exist"]],
    [
      ["holdfast", "bench", "--mode", ""],
      ["pairs", "replays"],
    ],
    [["holdfast", "serve", "--log-l"], ["--log-level"]],
    [["holdfast", "serve", "--log-level", "w"], ["warn"]],
    [["holdfast", "serve", "--no-mig"], ["--no-migrate"]],
    [["holdfast", "migrate", "pl"], ["plan"]],
    [
      ["holdfast", "completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["holdfast", "nothing", "--"], []],
  ])("%j", (words, expected) => {
    expect(completionsOf(...words).toSorted()).toEqual([...expected].toSorted());
  });

  test("files and directories where a flag takes one, with spaces in their names too", () => {
    const root = new URL("../../../", import.meta.url).pathname;
    expect(completionsOf("holdfast", "tenants", "register", "a", "--file", `${root}README`)).toEqual([
      `${root}README.md`,
    ]);
    expect(completionsOf("holdfast", "serve", "--data-dir", `${root}sr`)).toEqual([`${root}src`]);
  });
});

describe.each(["bash", "zsh", "fish"] as const)("the script for %s", (shell) => {
  test("is one that the shell reads, where it is installed", () => {
    const { error, status, stderr } = spawnSync(shell, ["-n"], { input: scripts[shell], encoding: "utf8" });
    // Without the shell, its quotes are at least all closed.
    if (error !== undefined)
      expect(scripts[shell].match(/(?<!\\)'/g)?.length ?? 0).toSatisfy((count: number) => count % 2 === 0);
    else expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("knows every command, subcommand and flag", async () => {
    const script = scripts[shell];
    for (const { name, shape } of COMMANDS) {
      expect(script).toMatch(new RegExp(`\\b${name}\\b`));
      const { flags, subcommands } = await shape();
      for (const sub of subcommands) expect(script).toMatch(new RegExp(`\\b${sub.name}\\b`));
      for (const flag of [...flags, ...subcommands.flatMap((sub) => sub.flags)]) {
        expect(script).toContain(shell === "fish" ? `-l ${flag.name} ` : `--${flag.name}`);
      }
    }
  });
});

test.each([[[]], [["tcsh"]], [["bash", "zsh"]]])("completion %j says for which shells there is one", async (args) => {
  const { code, out, error } = await runWith(["completion", ...args]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(error).toBe('holdfast: say for which shell: "holdfast completion bash|zsh|fish"\n');
});
