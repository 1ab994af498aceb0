import { execFile } from "node:child_process";
import { mkdir, rename } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);

const SOURCES = new URL("../checker/", import.meta.url);
const CACHE = new URL("../../node_modules/.cache/holdfast-check/", import.meta.url);
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** What porcupine says of a history. */
export type Linearizability =
  | { readonly kind: "checked"; readonly report: CheckerReport }
  /** Why it did not run; the validators have. */
  | { readonly kind: "not-run"; readonly why: string };

export interface CheckerReport {
  readonly verdict: "OK" | "VIOLATION" | "UNDECIDED";
  readonly porcupine: string;
  readonly keys: number;
  readonly calls: number;
  readonly unknown: number;
  readonly unknown_share: number;
  readonly ms: number;
  readonly clocks_moved_us: number;
  readonly violations: readonly CheckedKey[];
  readonly undecided: readonly CheckedKey[];
}

export interface CheckedKey {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
  readonly calls: number;
  /** Of a violation: the line of the first answer that no order of the calls explains. */
  readonly where?: string;
  /** The calls up to there. */
  readonly prefix?: readonly string[];
  readonly html?: string;
}

export interface CheckerOptions {
  /** Draws violations into this directory. */
  readonly visualize?: string | undefined;
  /** For each search of one key, in seconds. */
  readonly timeoutSeconds?: number | undefined;
}

/** Runs the checker, built when it has changed; the first time it asks the Go module proxy for porcupine. */
export async function checkLinearizability(
  files: readonly string[],
  { visualize, timeoutSeconds }: CheckerOptions = {},
): Promise<Linearizability> {
  if (!(await hasGo())) return { kind: "not-run", why: "no go on PATH" };
  const program = await build();
  const flags = [
    "--json",
    ...(visualize === undefined ? [] : ["--visualize", visualize]),
    ...(timeoutSeconds === undefined ? [] : ["--timeout", `${timeoutSeconds}s`]),
  ];
  const { stdout, stderr } = await execute(program, [...flags, ...files], { maxBuffer: OUTPUT_BYTES_MAX }).catch(
    (error: { readonly stdout?: string; readonly stderr?: string }) => ({ stdout: "", stderr: "", ...error }),
  );
  // It ends with 1 for a violation too, and with 2 for a key that is undecided.
  if (stdout === "") throw new Error(`the checker has failed: ${stderr}`);
  return { kind: "checked", report: JSON.parse(stdout) as CheckerReport };
}

async function hasGo(): Promise<boolean> {
  return await execute("go", ["version"]).then(
    () => true,
    () => false,
  );
}

async function build(): Promise<string> {
  const program = fileURLToPath(new URL("holdfast-check", CACHE));
  await mkdir(fileURLToPath(CACHE), { recursive: true });
  // Another process may build it or run it at this moment.
  const own = `${program}-${process.pid}`;
  await execute("go", ["build", "-o", own, "."], { cwd: fileURLToPath(SOURCES) });
  await rename(own, program);
  return program;
}
