import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Check, CommandCheck, VitestCheck } from "./mutant.ts";
import type { Tree } from "./tree.ts";

/** What a check has found in a tree. */
export type Finding =
  /** It failed as it must: by which test or command, and what that said. */
  | { readonly kind: "failed"; readonly by: string; readonly why: string }
  | { readonly kind: "passed" }
  /** Neither: it ran no test, broke off, or failed in another way than it must. Nothing is shown by that. */
  | { readonly kind: "broken"; readonly why: string };

/** No check takes longer; a mutant may make one wait for ever. */
const CHECK_MS_MAX = 300_000;
const OUTPUT_CHARS = 1_000_000;
const SHOWN_CHARS = 2_000;
const LINES_SHOWN = 8;

export function runCheck(tree: Tree, check: Check): Promise<Finding> {
  return check.kind === "vitest" ? runVitest(tree, check) : runCommand(tree, check);
}

/** As one would type it, from the root of a tree. */
export function commandOf(check: Check): string {
  if (check.kind === "command") return ["node", ...check.args].join(" ");
  return `npx vitest run --project ${check.project} ${check.file} -t ${JSON.stringify(patternOf(check.test))}`;
}

/** Vitest reads a regular expression. */
function patternOf(test: string): string {
  return test.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** What is read of vitest's report. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function runVitest(tree: Tree, check: VitestCheck): Promise<Finding> {
  const file = join(tree.path, ".vitest-report.json");
  await rm(file, { force: true });
  const named = ["-t", patternOf(check.test)];
  // The one for people tells what was expected, line by line, and what an error was caused by.
  const reporters = ["--reporter=json", "--reporter=default", `--outputFile.json=${file}`];
  const args = ["--project", check.project, check.file, ...named, ...reporters];
  const { output } = await runNode(tree, ["node_modules/vitest/vitest.mjs", "run", ...args]);
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return { kind: "broken", why: `vitest has left no report: ${shortened(output)}` };
  return vitestFinding(JSON.parse(text) as VitestReport, output, check.shows);
}

/** @param output what vitest printed for people */
export function vitestFinding({ testResults }: VitestReport, output: string, shows: RegExp): Finding {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.filter(({ status }) => status === "failed");
  const [first] = failed;
  if (first !== undefined) {
    const messages = failed.flatMap(({ failureMessages }) => failureMessages.map(firstLine));
    return findingOf(first.fullName, [...messages, ...saidOf(output)], shows);
  }
  if (tests.some(({ status }) => status === "passed")) return { kind: "passed" };
  const said = testResults.map(({ message }) => message).join(" ");
  return { kind: "broken", why: `no test has run that is called so${said === "" ? "" : `: ${said}`}` };
}

/** Causes, and the lines that differ. Nothing of the test itself, which would match what it expects. */
function saidOf(output: string): readonly string[] {
  return output.split("\n").flatMap((line) => /^ *((?:Caused by: |[-+] ).*)$/.exec(line)?.[1] ?? []);
}

async function runCommand(tree: Tree, check: CommandCheck): Promise<Finding> {
  const { code, output } = await runNode(tree, check.args);
  if (code === 0) return { kind: "passed" };
  if (code === 1) return findingOf(check.args.join(" "), output.trim().split("\n"), check.shows);
  return {
    kind: "broken",
    why: `${code === null ? "did not end in time" : `ended with ${code}`}: ${shortened(output)}`,
  };
}

/** Of a check that failed: whether it says what the mutant does. */
function findingOf(by: string, lines: readonly string[], shows: RegExp): Finding {
  const shown = lines.find((line) => shows.test(line));
  if (shown !== undefined) return { kind: "failed", by, why: shown.trim() };
  const said = shortened(lines.slice(0, LINES_SHOWN).join("\n"));
  return { kind: "broken", why: `it fails, but not as this mutant must, by ${shows}: ${by}: ${said}` };
}

interface Ended {
  /** Null: it was ended. */
  readonly code: number | null;
  /** The beginning of what it printed. */
  readonly output: string;
}

export async function runNode(tree: Tree, args: readonly string[]): Promise<Ended> {
  const { TEST_DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: tree.path,
    // A database that was given for the honest tests is not for these.
    env: { ...env, ...tree.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: CHECK_MS_MAX,
  });
  let output = "";
  const collect = (chunk: string) => {
    if (output.length < OUTPUT_CHARS) output += chunk.slice(0, OUTPUT_CHARS - output.length);
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
