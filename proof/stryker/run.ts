import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { honestTree, type Tree } from "../mutants/tree.ts";
import { type Change, instrument } from "./instrument.ts";
import type { Part } from "./options.ts";
import type { Found } from "./runner.ts";

/** What became of a change; "unreached": no test goes through it. */
export type Fate = "killed" | "endless" | "survived" | "unreached";

export interface Judged extends Change {
  readonly fate: Fate;
}

const PART_MS_MAX = 60 * 60_000;
const ONE_MS_MAX = 2 * 60_000;

/** Changes a copy of the tree, and runs the tests of the part in it. */
export async function judgePart(part: Part, files: readonly string[]): Promise<readonly Judged[]> {
  await using tree = await honestTree();
  const changes = await instrument(tree.path, files);
  say(`${part}: ${changes.length} changes of ${files.length} files\n`);
  const tests = await runTests(tree, part, PART_MS_MAX);
  const { found } = tests;
  if (!tests.isPassed || found === null) {
    throw new Error(`the tests of ${part} do not pass, or not each time, with nothing changed:\n${tests.said}`);
  }
  const fates = new Map<string, Fate>(found.reached.map((id) => [id, "survived"]));
  for (const id of found.killed) fates.set(id, "killed");
  for (const id of found.endless) fates.set(id, "endless");
  if (found.fixed.length > 0) say(`${part}: ${found.fixed.length} of what is run when a file is loaded\n`);
  for (const id of found.fixed) fates.set(id, await judgeFromTheStart(tree, part, id));
  return changes.map((change) => ({ ...change, fate: fates.get(change.id) ?? "unreached" }));
}

/** Of what is run only once, when its file is loaded: the tests begin anew, with the change. */
async function judgeFromTheStart(tree: Tree, part: Part, id: string): Promise<Fate> {
  const { isPassed, isOver, found, said } = await runTests(tree, part, ONE_MS_MAX, id);
  if (!isOver) return "endless";
  if (isPassed) return "survived";
  if (found?.killed.includes(id)) return "killed";
  throw new Error(`the tests of ${part} came to no end with change ${id}:\n${said}`);
}

async function runTests(tree: Tree, part: Part, msMax: number, id?: string) {
  const path = join(tree.path, "mutation-found.json");
  await rm(path, { force: true });
  const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "proof/stryker/vitest.config.ts"];
  const child = spawn(process.execPath, [...args, "--reporter=dot", ...(id === undefined ? [] : ["--bail=1"])], {
    cwd: tree.path,
    env: {
      ...{ ...process.env, ...tree.env, NO_COLOR: "1", MUTATED_PART: part, MUTATION_FOUND: path },
      ...(id !== undefined && { MUTATED_ID: id }),
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: msMax,
    killSignal: "SIGKILL",
  });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  process.off("exit", end);
  const found = await readFile(path, "utf8").then(
    (json) => JSON.parse(json) as Found,
    () => null,
  );
  return { isPassed: code === 0, isOver: signal === null, found, said: (await output).join("\n").trim() };
}

/** For whoever looks on; no part of the answer. */
function say(line: string): void {
  process.stderr.write(line);
}
