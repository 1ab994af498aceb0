import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);

const PAIRS = new URL("pairs/", import.meta.url);
const CACHE = new URL("../../node_modules/.cache/", import.meta.url);

/** Pinned where Go reads it, for the program with ghz's runner; the command is of the same version. */
export const GHZ_VERSION = /bojand\/ghz (v\S+)/.exec(await readFile(new URL("go.mod", PAIRS), "utf8"))?.[1] ?? "latest";

export interface Ghz {
  /** The paths of the programs. */
  readonly command: string;
  readonly pairs: string;
}

/** Null without a toolchain. */
export async function goVersion(): Promise<string | null> {
  const told = await execute("go", ["version"]).catch(() => null);
  return told === null ? null : (/go\d\S*/.exec(told.stdout)?.[0] ?? told.stdout.trim());
}

/** Builds what is not built yet; the first time it asks the Go module proxy for the sources. */
export async function buildGhz(): Promise<Ghz> {
  const directory = fileURLToPath(new URL(`ghz-${GHZ_VERSION}/`, CACHE));
  await mkdir(directory, { recursive: true });
  const ghz = { command: `${directory}ghz`, pairs: `${directory}pairs` };
  if (!existsSync(ghz.command)) {
    await execute("go", ["install", `github.com/bojand/ghz/cmd/ghz@${GHZ_VERSION}`], {
      env: { ...process.env, GOBIN: directory },
    });
  }
  await execute("go", ["build", "-o", ghz.pairs, "."], { cwd: fileURLToPath(PAIRS) });
  return ghz;
}
