import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** As a path, of what is below the repository's root. */
export function below(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Where what is made for a language's driver is kept. */
export function cacheOf(language: string): string {
  return below(`node_modules/.cache/holdfast-${language}`);
}

interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Its standard output; where it fails, what it said is in the error. */
export async function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<string> {
  const { cwd, env = {} } = options;
  const own = { ...process.env, ...env };
  try {
    const { stdout } = await run(command, args, { ...(cwd !== undefined && { cwd }), env: own, timeout: TOOL_MS_MAX });
    return stdout;
  } catch (cause) {
    const { message, stdout = "" } = cause as Error & { readonly stdout?: string };
    throw new Error(`${message}\n${stdout}`, { cause });
  }
}

/** Undefined when there is no such program. */
export async function versionOf(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await runTool(command, args)).trim();
  } catch {
    return undefined;
  }
}

/** To fetch and build packages, on a machine that does other things too. */
const TOOL_MS_MAX = 300_000;
