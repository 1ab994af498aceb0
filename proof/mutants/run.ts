import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Check, CommandCheck, VitestCheck } from "./mutant.ts";
import type { Tree } from "./tree.ts";

/** What a check has found in a tree. */
export type Finding =
  /** It failed: by which test or command, and what that said. */
  | { readonly kind: "failed"; readonly by: string; readonly why: string }
  | { readonly kind: "passed" }
  /** Neither: it ran no test, or broke off. Nothing is shown by that. */
  | { readonly kind: "broken"; readonly why: string };

/** No check takes longer; a mutant may make one wait for ever. */
const CHECK_MS_MAX = 300_000;
const OUTPUT_CHARS = 2_000;

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
interface VitestReport {
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
  const report = join(tree.path, ".vitest-report.json");
  await rm(report, { force: true });
  const named = ["-t", patternOf(check.test)];
  const args = ["--project", check.project, check.file, ...named, "--reporter=json", `--outputFile=${report}`];
  const { output } = await runNode(tree, ["node_modules/vitest/vitest.mjs", "run", ...args]);
  const text = await readFile(report, "utf8").catch(() => null);
  if (text === null) return { kind: "broken", why: `vitest has left no report: ${output}` };
  const files = (JSON.parse(text) as VitestReport).testResults;
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === "failed");
  if (failed !== undefined) return { kind: "failed", by: failed.fullName, why: firstLine(failed.failureMessages[0]) };
  if (tests.some(({ status }) => status === "passed")) return { kind: "passed" };
  const said = files.map(({ message }) => message).join(" ");
  return { kind: "broken", why: `no test has run that is called so${said === "" ? "" : `: ${said}`}` };
}

async function runCommand(tree: Tree, check: CommandCheck): Promise<Finding> {
  const { code, output } = await runNode(tree, check.args);
  if (code === 0) return { kind: "passed" };
  if (code === 1) return { kind: "failed", by: check.args.join(" "), why: firstLine(output) };
  return { kind: "broken", why: `${code === null ? "did not end in time" : `ended with ${code}`}: ${output}` };
}

interface Ended {
  /** Null: it was ended. */
  readonly code: number | null;
  /** The beginning of what it printed. */
  readonly output: string;
}

async function runNode(tree: Tree, args: readonly string[]): Promise<Ended> {
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

function firstLine(text = ""): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
