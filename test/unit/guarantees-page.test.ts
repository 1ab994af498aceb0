import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ROWS } from "../../proof/faults/rows.ts";
import { MUTANTS } from "../../proof/mutants/mutants.ts";
import { RACES } from "../../proof/races/races.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");

const PAGE = read("docs/guarantees.md");
const SCRIPTS = (JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> }).scripts;
const EXPLORER = new URL("proof/model/explore/", ROOT);
const MODEL = [
  read("proof/model/Holdfast.tla"),
  ...readdirSync(EXPLORER).map((name) => readFileSync(new URL(name, EXPLORER), "utf8")),
].join("\n");

/** By its heading, the commands of each promise. */
const PROMISES = [...PAGE.matchAll(/^### (.+)\n\n(?:(?!#|```).*\n\n)?```sh\n([^`]*)```$/gm)].map(
  ([, name = "", commands = ""]) => ({ name, commands: commands.trimEnd().split("\n") }),
);

/** What a program is told to run alone. */
function named(program: string): readonly string[] {
  const commands = PROMISES.flatMap((promise) => promise.commands).filter((line) => line.includes(program));
  return commands.flatMap((line) => / --only (\S+)/.exec(line)?.[1]?.split(",") ?? []);
}

test("every promise links to the commands that prove it again, and nothing else has any", () => {
  const anchors = [...PAGE.matchAll(/^\| \*\*\[[^\]]+\]\(#([a-z-]+)\)/gm)].map(([, anchor]) => anchor);
  expect(PROMISES.map(({ name }) => name.toLowerCase().replaceAll(" ", "-"))).toEqual(anchors);
  expect(PROMISES).toHaveLength(PAGE.match(/^### /gm)?.length ?? 0);
});

describe.each(PROMISES)("$name", ({ commands }) => {
  test("its tests are run by the first of its commands, and are there", () => {
    expect(commands[0]).toMatch(/^npx vitest run test\//);
    const paths = commands.flatMap((line) => line.match(/\btest\/\S+/g) ?? []);
    expect(paths.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([]);
  });

  test("what its other commands run are scripts of the package", () => {
    const scripts = commands.slice(1).map((line) => /^npm run ([a-z:]+)/.exec(line)?.[1] ?? line);
    expect(scripts.filter((script) => SCRIPTS[script] === undefined)).toEqual([]);
  });

  test("what is to hold in the model is there", () => {
    const names = commands
      .filter((line) => line.includes("proof:model"))
      .flatMap((line) => line.match(/\b[A-Z]\w+/g) ?? []);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(MODEL))).toEqual([]);
  });
});

test.each([
  ["race", "proof:races", RACES.map(({ name }) => name)],
  ["row of the fault matrix", "test:faults", ROWS.map(({ id }) => id)],
  ["mutant", "proof:mutants", MUTANTS.map(({ id }) => id)],
] as const)("every %s stands under a promise, and those that are named are there", (_, program, all) => {
  expect([...new Set(named(program))].toSorted()).toEqual([...all].toSorted());
});
